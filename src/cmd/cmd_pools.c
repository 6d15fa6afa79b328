/* daymill pools list|set|delete. */
#include "cmd/common.h"

static int list(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    static struct dm_pool_row fallback = {DM_POOL_DEFAULT, DM_POOL_DEFAULT_SLOTS, ""};
    struct dm_pool_row *pools = &fallback;
    size_t n = 1;
    DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
    if (store)
        DM_TRY(dm_store_pools(store, args->arena, &pools, &n, reterr));
    struct dm_table t;
    dm_table_init(&t, args->arena, "name slots# description");
    for (size_t i = 0; i < n; i++)
        dm_table_add(&t, DM_ROW(pools[i].name, dm_cell_int(args->arena, pools[i].slots),
                                pools[i].description));
    dm_args_print(args, &t);
    return 0;
}

const struct dm_cmd dm_cmd_pools_list = {
    .name = "pools list",
    .synopsis = "",
    .doc = "list the pools, which limit how many of their tasks run at once",
    .run = list,
};

static const struct dm_option set_options[] = {
    {"description", 0, DM_OPTION_TEXT, "TEXT", NULL, "what it is for"},
    {NULL},
};

static int set(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    int64_t slots;
    if (!dm_str_to_i64(dm_str_c(args->v[1]), &slots) || slots < -1 || slots > INT32_MAX) {
        dm_err_set(reterr, DM_E_USAGE, "\"%s\" is no number of slots", args->v[1]);
        return dm_err_hint(reterr, "0 lets nothing run, -1 is without limit.");
    }
    struct dm_pool_row pool = {.name = args->v[0],
                               .slots = (int)slots,
                               .description = dm_option_text(args, "description", "")};
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    return dm_store_pool_set(store, &pool, reterr);
}

const struct dm_cmd dm_cmd_pools_set = {
    .name = "pools set",
    .synopsis = "NAME SLOTS",
    .doc = "make a pool, or change its slots (-1 = without limit)",
    .min_args = 2,
    .max_args = 2,
    .options = set_options,
    .run = set,
};

static int delete (struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    int found = dm_store_pool_delete(store, args->v[0], reterr);
    DM_TRY(found);
    if (found)
        return 0;
    dm_err_set(reterr, DM_E_NOTFOUND, "no pool \"%s\"", args->v[0]);
    return dm_err_hint(reterr, "\"%s pools list\" lists them.", args->self);
}

const struct dm_cmd dm_cmd_pools_delete = {
    .name = "pools delete",
    .synopsis = "NAME",
    .doc = "delete a pool; tasks that name it wait until it is there again",
    .min_args = 1,
    .max_args = 1,
    .run = delete,
};
