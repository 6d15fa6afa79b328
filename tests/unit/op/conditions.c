/* op/checks.h: Airflow's conditions. */
#include "op/checks.h"

#include "t.h"

static struct dm_arena arena;

static struct dm_condition read_json(const char *json)
{
    struct dm_value *v;
    struct dm_err err;
    struct dm_condition c = {0};
    if (dm_value_from_json(&arena, dm_str_c(json), &v, &err) < 0 ||
        dm_condition_read(v, "x min", &c, &err) < 0)
        t_fail(__FILE__, __LINE__, "%s: %s", json, err.message);
    return c;
}

static int refused(const char *json, const char **ret_message)
{
    static struct dm_err err;
    struct dm_value *v;
    struct dm_condition c;
    if (dm_value_from_json(&arena, dm_str_c(json), &v, &err) < 0)
        return 0;
    int rc = dm_condition_read(v, "x min", &c, &err);
    *ret_message = rc < 0 ? err.hint[0] ? err.hint : err.message : "";
    return rc;
}

static void bounds_are_as_airflow_has_them(void)
{
    struct dm_condition c = read_json("{\"geq_to\": 0, \"less_than\": 100}");
    T_OK(dm_condition_holds(&c, 0) && dm_condition_holds(&c, 99.5));
    T_OK(!dm_condition_holds(&c, -1) && !dm_condition_holds(&c, 100));
    T_STR(dm_condition_text(&arena, &c), ">= 0 and < 100");
    T_STR(dm_condition_sql(&arena, &c, "v"), "v >= 0 AND v < 100");

    c = read_json("{\"greater_than\": 10, \"tolerance\": 0.1}");
    T_OK(dm_condition_holds(&c, 9.5) && !dm_condition_holds(&c, 9));

    c = read_json("{\"equal_to\": 0}");
    T_OK(dm_condition_holds(&c, 0) && !dm_condition_holds(&c, 1));

    c = read_json("{\"equal_to\": -10, \"tolerance\": 0.1}");
    T_OK(dm_condition_holds(&c, -10.5) && dm_condition_holds(&c, -9) &&
         !dm_condition_holds(&c, -8));
}

static void what_airflow_refuses_is_refused(void)
{
    const char *message;
    T_INT(refused("{\"tolerance\": 0.1}", &message), DM_E_INVALID);
    T_INT(refused("{\"equal_to\": 1, \"geq_to\": 0}", &message), DM_E_INVALID);
    T_INT(refused("{\"geq_too\": 1}", &message), DM_E_INVALID);
    T_HAS(message, "geq_to");
    T_INT(refused("{\"min\": \"many\", \"geq_to\": \"many\"}", &message), DM_E_INVALID);
    T_INT(refused("{\"geq_to\": \"many\"}", &message), DM_E_TYPE);
}

static void partitions_are_joined_and_semicolons_refused(void)
{
    const char *where;
    struct dm_err err;
    struct dm_str both[] = {DM_STR("ds = '2010-12-01'"), DM_STR("  "), DM_STR("a or b")};
    T_TRY(dm_checks_where(&arena, both, 3, &where, &err), err);
    T_STR(where, " WHERE (ds = '2010-12-01') AND (a or b)");
    T_TRY(dm_checks_where(&arena, both + 1, 1, &where, &err), err);
    T_STR(where, "");
    struct dm_str bad[] = {DM_STR("1=1; drop table t")};
    T_INT(dm_checks_where(&arena, bad, 1, &where, &err), DM_E_INVALID);
}

T_MAIN(T_CASE(bounds_are_as_airflow_has_them), T_CASE(what_airflow_refuses_is_refused),
       T_CASE(partitions_are_joined_and_semicolons_refused))
