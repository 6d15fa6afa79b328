/* op/sql_copy.h: which COPY is done on this side, and what is sent instead. */
#include "op/sql_copy.h"

#include "t.h"

static struct dm_arena arena;

static struct dm_sql_copy parse(const char *sql)
{
    struct dm_sql_copy c = {0};
    struct dm_err err;
    int rc = dm_sql_copy_parse(&arena, dm_str_c(sql), &c, &err);
    if (rc != 1)
        t_fail(__FILE__, __LINE__, "%s: %d, want 1", sql, rc);
    return c;
}

static int kind(const char *sql)
{
    struct dm_sql_copy c;
    struct dm_err err;
    return dm_sql_copy_parse(&arena, dm_str_c(sql), &c, &err);
}

static void only_the_path_changes(void)
{
    struct dm_sql_copy c = parse("COPY (select ')' as \"TO '/x'\" from t -- to '/no'\n)\n"
                                 "TO '/temp/it''s.csv' WITH (FORMAT CSV, HEADER)");
    T_OK(c.out && c.header && !c.table);
    T_DMSTR(c.path, "/temp/it's.csv");
    T_DMSTR(c.sql, "COPY (select ')' as \"TO '/x'\" from t -- to '/no'\n)\n"
                   "TO STDOUT WITH (FORMAT CSV, HEADER)");

    c = parse("copy Retail.\"User Purchase\"(a,\nb) from '/data/x.csv' delimiter ','  csv header");
    T_OK(!c.out && c.header);
    T_STR(c.table, "Retail.\"User Purchase\"");
    T_DMSTR(c.sql, "copy Retail.\"User Purchase\"(a,\nb) from STDIN delimiter ','  csv header");
}

static void header_counts_where_it_is_on(void)
{
    T_OK(!parse("copy t from '/x' csv").header);
    T_OK(parse("copy t from '/x' (header true, format csv)").header);
    T_OK(parse("copy t from '/x' with (format csv, header match)").header);
    T_OK(!parse("copy t from '/x' with (format csv, header false)").header);
    T_OK(!parse("copy t from '/x' with (format csv, header 0, delimiter ',')").header);
    T_OK(!parse("copy t to '/x' with (format csv, force_quote (header))").header);
    T_OK(!parse("copy t from '/x' csv where header > 1").header);
}

static void what_is_not_ours_is_left_alone(void)
{
    T_INT(kind("select 'copy t to ''/x'''"), 0);
    T_INT(kind("copy t to stdout"), 0);
    T_INT(kind("copy t from stdin csv"), 0);
    T_INT(kind("copy t from 's3://b/k' iam_role default csv"), 0);
    T_INT(kind("copy"), 0);
    T_INT(kind("copy t from program 'cat /etc/passwd'"), DM_E_PERMISSION);
    T_INT(kind("copy (select 1 to '/x'"), DM_E_SYNTAX);
}

T_MAIN(T_CASE(only_the_path_changes), T_CASE(header_counts_where_it_is_on),
       T_CASE(what_is_not_ours_is_left_alone))
