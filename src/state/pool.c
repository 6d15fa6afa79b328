/* Pools: how many attempts of some tasks may be at work at once. */
#include "state/db.h"

int dm_store_pools(struct dm_store *s, struct dm_arena *a, struct dm_pool_row **ret, size_t *ret_n,
                   struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_pool_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(
        dm_db_query(s, &q, reterr, "SELECT name, slots, description FROM pool ORDER BY name", ""));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_pool_row *p = dm_db_list_add(&l, reterr);
        if (!p)
            return DM_E_LIMIT;
        p->name = dm_db_text(a, q, 0);
        p->slots = sqlite3_column_int(q, 1);
        p->description = dm_db_text(a, q, 2);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_store_pool_set(struct dm_store *s, const struct dm_pool_row *pool, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(
        s, reterr, "INSERT OR REPLACE INTO pool (name, slots, description) VALUES (?,?,?)", "tit",
        pool->name, (int64_t)pool->slots, pool->description ? pool->description : ""));
    return 0;
}

int dm_store_pool_delete(struct dm_store *s, const char *name, struct dm_err *reterr)
{
    if (strcmp(name, DM_POOL_DEFAULT) == 0) {
        dm_err_set(reterr, DM_E_INVALID, "the pool \"%s\" cannot be deleted", name);
        return dm_err_hint(reterr, "Tasks without a pool of their own use it; set its slots.");
    }
    int changed = dm_db_exec(s, reterr, "DELETE FROM pool WHERE name = ?", "t", name);
    return changed < 0 ? changed : changed > 0;
}
