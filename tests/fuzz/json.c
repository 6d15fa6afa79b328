/* JSON as values, and as the normal form of a DAG: what was read and written once is written the same again. */
#include "fuzz.h"
#include "lang/dag.h"

static void try_value(struct dm_str text)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err = {0};
    struct dm_value *v, *back;
    int rc = dm_value_from_json(&a, text, &v, &err);
    if (rc < 0) {
        fuzz_check_err(rc, &err);
        return;
    }
    struct dm_str once = dm_value_json(&a, v);
    rc = dm_value_from_json(&a, once, &back, &err);
    FUZZ_CHECK(rc == 0, "%s: %.*s", err.message, DM_FMT(once));
    FUZZ_CHECK(dm_value_equal(v, back), "%.*s", DM_FMT(once));
    FUZZ_CHECK(dm_str_eq(dm_value_json(&a, back), once), "%.*s", DM_FMT(once));
    FUZZ_CHECK(dm_value_hash(v) == dm_value_hash(back), "%.*s", DM_FMT(once));
    _cleanup_strbuf_ struct dm_strbuf sorted;
    dm_strbuf_init(&sorted, DM_BUF_TEXT);
    dm_value_to_json(&sorted, v, true);
    FUZZ_CHECK(dm_value_from_json(&a, dm_strbuf_str(&sorted), &back, &err) == 0 &&
                   dm_value_equal(v, back),
               "%s", sorted.p);
}

static void try_dag(struct dm_str text)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_strbuf_ struct dm_strbuf once, twice;
    struct dm_err err = {0};
    struct dm_dag *dag, *back;
    dm_strbuf_init(&once, DM_BUF_FRAME);
    dm_strbuf_init(&twice, DM_BUF_FRAME);
    int rc = dm_dag_from_json(&a, text, &dag, &err);
    if (rc < 0) {
        fuzz_check_err(rc, &err);
        return;
    }
    dm_dag_to_json(&once, dag);
    rc = dm_dag_from_json(&a, dm_strbuf_str(&once), &back, &err);
    FUZZ_CHECK(rc == 0, "%s: %s", err.message, once.p);
    dm_dag_to_json(&twice, back);
    FUZZ_CHECK(dm_str_eq(dm_strbuf_str(&once), dm_strbuf_str(&twice)), "%s\n%s", once.p, twice.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_value(fuzz_text(data, size));
    try_dag(fuzz_text(data, size));
    return 0;
}
