/* Variables: {{ var.value.x }}. */
#include "state/db.h"

int dm_store_variables(struct dm_store *s, struct dm_arena *a, struct dm_variable_row **ret,
                       size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_variable_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(
        dm_db_query(s, &q, reterr, "SELECT key, value, updated_at FROM variable ORDER BY key", ""));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_variable_row *v = dm_db_list_add(&l, reterr);
        if (!v)
            return DM_E_LIMIT;
        v->key = dm_db_text(a, q, 0);
        v->value = dm_db_text(a, q, 1);
        v->updated_at = sqlite3_column_int64(q, 2);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_store_variable_get(struct dm_store *s, struct dm_arena *a, struct dm_str key,
                          struct dm_str *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, "SELECT value FROM variable WHERE key = ?", "s", key));
    int rc = dm_db_next(s, q, reterr);
    if (rc == 1)
        *ret = dm_db_str(a, q, 0);
    return rc;
}

int dm_store_variable_set(struct dm_store *s, struct dm_str key, struct dm_str value, int64_t now,
                          struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT OR REPLACE INTO variable (key, value, updated_at) VALUES (?,?,?)",
                      "ssi", key, value, now));
    return 0;
}

int dm_store_variable_delete(struct dm_store *s, struct dm_str key, struct dm_err *reterr)
{
    int changed = dm_db_exec(s, reterr, "DELETE FROM variable WHERE key = ?", "s", key);
    return changed < 0 ? changed : changed > 0;
}
