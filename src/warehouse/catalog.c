/*
 * Installs the hidden schema in a database: the tables of the external catalog, and PostgreSQL's catalog as views and
 * macros (catalog.sql, embedded by the build).  A database remembers the digest of what it has, so that opening one
 * costs a single look.
 */
#include "warehouse/rewrite.h"
#include "warehouse/spectrum.h"

extern const char dm_catalog_sql[];
extern const size_t dm_catalog_sql_len;

/* Statements end with a semicolon at the end of a line. */
static int run_all(struct dm_engine_conn *c, struct dm_arena *a, struct dm_err *reterr)
{
    struct dm_str all = dm_str_n(dm_catalog_sql, dm_catalog_sql_len);
    size_t from = 0;
    for (;;) {
        ptrdiff_t end = dm_str_find(all, DM_STR(";\n"), from);
        if (end < 0)
            return 0;
        const char *statement = dm_str_cstr(a, dm_str_sub(all, from, (size_t)end));
        int rc = dm_engine_query(c, a, statement, NULL, reterr);
        if (rc < 0) {
            dm_err_wrap(reterr, "installing the catalog");
            return rc;
        }
        from = (size_t)end + 2;
    }
}

static int install(struct dm_engine_conn *c, struct dm_arena *a, const char *database,
                   const char *version, struct dm_err *reterr)
{
    const char *setup = dm_arena_printf(
        a,
        "CREATE SCHEMA IF NOT EXISTS %s.public; CREATE SCHEMA IF NOT EXISTS %s." DM_HIDDEN_SCHEMA
        "; USE %s." DM_HIDDEN_SCHEMA ";"
        "CREATE TABLE IF NOT EXISTS installed(version VARCHAR); DELETE FROM installed;"
        "INSERT INTO installed VALUES ('%s')",
        database, database, database, version);
    DM_TRY(dm_engine_query(c, a, setup, NULL, reterr));
    return run_all(c, a, reterr);
}

static bool is_current(struct dm_engine_conn *c, struct dm_arena *a, const char *database,
                       const char *version)
{
    struct dm_engine_rows rows;
    const char *sql =
        dm_arena_printf(a, "SELECT version FROM %s." DM_HIDDEN_SCHEMA ".installed", database);
    return dm_engine_query(c, a, sql, &rows, NULL) == 0 && rows.n_rows == 1 &&
           strcmp(rows.rows[0][0], version) == 0;
}

int dm_catalog_install(struct dm_engine_conn *c, const char *database, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    dm_arena_init(&a);
    const char *version = dm_arena_printf(
        &a, "%016llx",
        (unsigned long long)dm_str_hash(dm_str_n(dm_catalog_sql, dm_catalog_sql_len)));
    if (is_current(c, &a, database, version))
        return 0;
    DM_TRY(dm_engine_query(c, &a, "BEGIN", NULL, reterr));
    int rc = install(c, &a, database, version, reterr);
    if (rc == 0)
        rc = dm_engine_query(c, &a, "COMMIT", NULL, reterr);
    else
        (void)!dm_engine_query(c, &a, "ROLLBACK", NULL, NULL);
    const char *back = dm_arena_printf(&a, "USE %s.public", database);
    if (dm_engine_query(c, &a, back, NULL, rc < 0 ? NULL : reterr) < 0 && rc == 0)
        rc = DM_E_SQL;
    return rc;
}
