/* daymill schema: the JSON Schema of DAG files, for editors. */
#include "cmd/common.h"
#include "lang/dag_schema.h"
#include "op/op.h"

static int run(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_dag_schema(&b, dm_op_table());
    DM_TRY(dm_strbuf_check(&b, "the schema", reterr));
    fwrite(b.p, 1, b.len, stdout);
    return 0;
}

const struct dm_cmd dm_cmd_schema = {
    .name = "schema",
    .synopsis = "",
    .doc = "print the JSON Schema of DAG files, with which editors complete and check them",
    .more = "  daymill schema > dag.schema.json\n"
            "  # yaml-language-server: $schema=dag.schema.json     (first line of a DAG file)",
    .no_project = true,
    .run = run,
};
