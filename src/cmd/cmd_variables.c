/* daymill variables list|get|set. */
#include "base/clock.h"
#include "cmd/common.h"

static int list(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_variable_row *rows = NULL;
    size_t n = 0;
    DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
    if (store)
        DM_TRY(dm_store_variables(store, args->arena, &rows, &n, reterr));
    struct dm_table t;
    dm_table_init(&t, args->arena, "key value updated_at");
    for (size_t i = 0; i < n; i++)
        dm_table_add(
            &t, DM_ROW(rows[i].key, rows[i].value, dm_cell_time(args->arena, rows[i].updated_at)));
    dm_args_print(args, &t);
    return 0;
}

const struct dm_cmd dm_cmd_variables_list = {
    .name = "variables list",
    .synopsis = "",
    .doc = "list the variables ({{ var.value.NAME }})",
    .run = list,
};

static int get(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_str value;
    int found = 0;
    DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
    if (store)
        DM_TRY(found =
                   dm_store_variable_get(store, args->arena, dm_str_c(args->v[0]), &value, reterr));
    if (!found) {
        dm_err_set(reterr, DM_E_NOTFOUND, "no variable \"%s\"", args->v[0]);
        return dm_err_hint(reterr, "\"daymill variables set %s VALUE\" makes one.", args->v[0]);
    }
    if (args->json) {
        _cleanup_strbuf_ struct dm_strbuf b;
        dm_strbuf_init(&b, DM_BUF_TEXT);
        dm_strbuf_add_json(&b, value);
        printf("%s\n", b.p);
    } else {
        printf("%.*s\n", DM_FMT(value));
    }
    return 0;
}

const struct dm_cmd dm_cmd_variables_get = {
    .name = "variables get",
    .synopsis = "KEY",
    .doc = "print the value of a variable",
    .min_args = 1,
    .max_args = 1,
    .run = get,
};

static int set(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    return dm_store_variable_set(store, dm_str_c(args->v[0]), dm_str_c(args->v[1]), dm_clock_now(),
                                 reterr);
}

const struct dm_cmd dm_cmd_variables_set = {
    .name = "variables set",
    .synopsis = "KEY VALUE",
    .doc = "set a variable",
    .min_args = 2,
    .max_args = 2,
    .run = set,
};
