/* Count and digest of staged rows, by one query. */
#include "op/staged.h"

/* An expression that is one text for the row: no two different rows give the same. */
static void add_row_text(struct dm_strbuf *b, const struct dm_pg_result *columns)
{
    for (size_t i = 0; i < columns->n_cols; i++) {
        _cleanup_strbuf_ struct dm_strbuf name;
        dm_strbuf_init(&name, DM_BUF_MESSAGE);
        dm_strbuf_add_sql_ident(&name, dm_str_c(columns->cols[i]));
        dm_strbuf_addf(b,
                       "%sCOALESCE(CAST(LENGTH(CAST(%s AS varchar)) AS varchar) || ':' || "
                       "CAST(%s AS varchar), '-')",
                       i ? " || " : "", name.p, name.p);
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
    dm_strbuf_adds(&b, "SELECT COALESCE(SUM(n), 0) AS n, "
                       "MD5(COALESCE(STRING_AGG(d, '' ORDER BY bucket), '')) AS digest FROM ("
                       "SELECT bucket, COUNT(*) AS n, MD5(STRING_AGG(h, '' ORDER BY h)) AS d FROM ("
                       "SELECT h, SUBSTR(h, 1, 3) AS bucket FROM (SELECT MD5(");
    add_row_text(&b, &r);
    dm_strbuf_addf(&b, ") AS h FROM %s", table);
    if (partition.len)
        dm_strbuf_addf(&b, " WHERE %.*s", DM_FMT(partition));
    dm_strbuf_adds(&b, ") AS hashed) AS placed GROUP BY bucket) AS buckets");
    DM_TRY(dm_strbuf_check(&b, "the query of staged rows", reterr));

    DM_TRY(dm_pg_exec(pg, a, dm_strbuf_str(&b), NULL, 0, &r, reterr));
    int64_t rows;
    if (r.n_rows != 1 || r.n_cols != 2 || !r.rows[0][0] || !r.rows[0][1] ||
        !dm_str_to_i64(dm_str_c(r.rows[0][0]), &rows))
        return dm_err_set(reterr, DM_E_DATA, "the server gave no count of the rows of %s", table);
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
