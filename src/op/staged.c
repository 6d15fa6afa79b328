/* Count and digest of staged rows, by one query. */
#include "op/staged.h"

/* An expression that is one text for the row, and another for any other row: hashes have one length, NULL is none. */
static void add_row_text(struct dm_strbuf *b, const struct dm_pg_result *columns)
{
    for (size_t i = 0; i < columns->n_cols; i++) {
        dm_strbuf_adds(b, i ? " || COALESCE(MD5(CAST(" : "COALESCE(MD5(CAST(");
        dm_strbuf_add_sql_ident(b, dm_str_c(columns->cols[i]));
        dm_strbuf_adds(b, " AS varchar)), '-')");
    }
}

int dm_staged_read(struct dm_pg *pg, struct dm_arena *a, const char *table, struct dm_str partition,
                   struct dm_staged *ret, struct dm_err *reterr)
{
    struct dm_pg_result r;
    DM_TRY(dm_pg_exec(pg, a, dm_str_printf(a, "SELECT * FROM %s WHERE 1 = 0", table), NULL, 0, &r,
                      reterr));
    if (r.n_cols == 0)
        return dm_err_set(reterr, DM_E_INVALID, "the table %s has no columns", table);

    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_strbuf_adds(
        &b, "SELECT COUNT(*) AS n, MD5(COALESCE(STRING_AGG(h, '' ORDER BY h), '')) AS digest "
            "FROM (SELECT MD5(");
    add_row_text(&b, &r);
    dm_strbuf_addf(&b, ") AS h FROM %s", table);
    if (partition.len)
        dm_strbuf_addf(&b, " WHERE %.*s", DM_FMT(partition));
    dm_strbuf_addf(&b, " LIMIT %d) AS hashed", DM_STAGED_ROWS_MAX + 1);
    DM_TRY(dm_strbuf_check(&b, "the query of staged rows", reterr));

    DM_TRY(dm_pg_exec(pg, a, dm_strbuf_str(&b), NULL, 0, &r, reterr));
    int64_t rows;
    if (r.n_rows != 1 || r.n_cols != 2 || !r.rows[0][0] || !r.rows[0][1] ||
        !dm_str_to_i64(dm_str_c(r.rows[0][0]), &rows))
        return dm_err_set(reterr, DM_E_DATA, "the server gave no count of the rows of %s", table);
    if (rows > DM_STAGED_ROWS_MAX)
        return dm_err_set(reterr, DM_E_LIMIT,
                          "%s has more than %d staged rows (DM_STAGED_ROWS_MAX)", table,
                          DM_STAGED_ROWS_MAX);
    ret->rows = rows;
    ret->digest = r.rows[0][1];
    return 0;
}

const struct dm_value *dm_staged_value(struct dm_arena *a, const char *table,
                                       struct dm_str partition, const struct dm_staged *s)
{
    struct dm_value *v = dm_value_map(a);
    dm_map_set(a, v, "table", dm_value_cstr(a, table));
    dm_map_set(a, v, "partition", dm_value_str(a, partition));
    dm_map_set(a, v, "rows", dm_value_int(a, s->rows));
    dm_map_set(a, v, "digest", dm_value_cstr(a, s->digest));
    return v;
}
