/* The declared types of a table's columns, for COPY and whoever writes without a statement. */
#include "lang/sql_lex.h"
#include "warehouse/rewrite_internal.h"

/* The last two names of database.schema.table, unquoted; the schema "" where there is none. */
static int split_name(struct dm_arena *a, const char *table, const char **ret_schema,
                      const char **ret_name, struct dm_err *reterr)
{
    struct dm_sql_lexer lexer;
    struct dm_sql_token t;
    dm_sql_lexer_init(&lexer, dm_str_c(table));
    *ret_schema = *ret_name = "";
    for (;;) {
        DM_TRY(dm_sql_next(&lexer, &t, reterr));
        if (t.kind == DM_SQL_END)
            return 0;
        if (t.kind != DM_SQL_WORD && t.kind != DM_SQL_IDENT)
            continue;
        *ret_schema = *ret_name;
        *ret_name = dm_str_cstr(a, dm_sql_token_value(a, &t));
    }
}

int dm_rewrite_columns(struct dm_rewriter *r, struct dm_arena *a, const char *table,
                       struct dm_column_type **ret, size_t *ret_n, struct dm_err *reterr)
{
    const char *schema, *name;
    DM_TRY(split_name(a, table, &schema, &name, reterr));
    struct dm_strbuf sql;
    dm_strbuf_init(&sql, DM_BUF_MESSAGE);
    dm_strbuf_adds(
        &sql, "SELECT a.attname, format_type(a.atttypid, a.atttypmod), coalesce(a.max_length, 0),"
              " a.attnotnull::INTEGER, a.expression"
              " FROM " DM_HIDDEN_SCHEMA ".pg_attribute a JOIN " DM_HIDDEN_SCHEMA
              ".pg_class c ON c.oid = a.attrelid JOIN " DM_HIDDEN_SCHEMA
              ".pg_namespace n ON n.oid = c.relnamespace WHERE lower(c.relname) = lower(");
    dm_strbuf_add_sql_literal(&sql, dm_str_c(name));
    if (schema[0]) {
        dm_strbuf_adds(&sql, ") AND lower(n.nspname) = lower(");
        dm_strbuf_add_sql_literal(&sql, dm_str_c(schema));
        dm_strbuf_adds(&sql, ")");
    } else {
        dm_strbuf_adds(&sql, ") AND pg_table_is_visible(c.oid)");
    }
    dm_strbuf_adds(&sql, " AND a.attnum > 0 ORDER BY a.attnum");
    struct dm_engine_rows rows;
    int rc = dm_engine_query(r->conn, a, sql.p, &rows, reterr);
    dm_strbuf_release(&sql);
    DM_TRY(rc);
    struct dm_column_type *columns = dm_arena_array(a, struct dm_column_type, rows.n_rows + 1);
    for (size_t i = 0; i < rows.n_rows; i++) {
        columns[i] = (struct dm_column_type){.name = rows.rows[i][0],
                                             .type = rows.rows[i][1],
                                             .not_null = strcmp(rows.rows[i][3], "1") == 0,
                                             .default_text = rows.rows[i][4]};
        if (!dm_str_to_i64(dm_str_c(rows.rows[i][2]), &columns[i].limit))
            columns[i].limit = 0;
    }
    *ret = columns;
    *ret_n = rows.n_rows;
    return 0;
}
