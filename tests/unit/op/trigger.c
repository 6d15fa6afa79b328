/* `trigger_dag_run`: what it asks for, and what it makes of the answer. */
#include "harness.h"

static void it_asks_for_the_run_of_its_fields(void)
{
    struct h h;
    const struct dm_value *v, *asked;
    h_begin(&h);
    T_TRY(h_run(&h, "trigger_dag_run",
                "{\"trigger_dag_id\": \"other\", \"conf\": {\"a\": 1}, \"logical_date\": "
                "\"2024-01-01T00:00:00+00:00\", \"reset_dag_run\": true}",
                &v),
          h.err);
    T_OK(!h.at.reschedule);
    h_close(&h);
    asked = h_report(&h, 'T', 0);
    T_STR(h_text(&h, asked, "dag_id"), "other");
    T_STR(h_text(&h, asked, "run_id"), "manual__2024-01-01T00:00:00+00:00");
    T_INT(dm_map_int(asked, "logical_date", 0), 1704067200 * DM_SEC);
    T_INT(dm_map_int(dm_map_at(asked, "conf"), "a", 0), 1);
    T_OK(dm_map_bool(asked, "reset", false));
    T_STR(h_text(&h, h_report(&h, 'X', 0), "value"), "r2");
    h_end(&h);
}

static void a_run_that_is_there_fails_or_skips(void)
{
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    T_INT(h_run(&h, "trigger_dag_run", "{\"trigger_dag_id\": \"there\"}", &v), DM_E_EXISTS);
    T_HAS(h.err.hint, "reset_dag_run");
    T_INT(h_run(&h, "trigger_dag_run",
                "{\"trigger_dag_id\": \"there\", \"skip_when_already_exists\": true}", &v),
          DM_E_SKIP);
    T_INT(h_run(&h, "trigger_dag_run",
                "{\"trigger_dag_id\": \"other\", \"logical_date\": \"soon\"}", &v),
          DM_E_INVALID);
    h_end(&h);
}

static void a_wait_holds_no_process(void)
{
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    h.order.started_at = h.order.try_look_at = 1704067200 * DM_SEC;
    h.order.task = 5007; /* tells it from others that begin at the same moment */
    T_TRY(h_run(&h, "trigger_dag_run",
                "{\"trigger_dag_id\": \"other\", \"wait_for_completion\": true, \"poke_interval\": "
                "30}",
                &v),
          h.err);
    T_OK(h.at.reschedule);
    T_INT(h.at.until_time, 1704067230 * DM_SEC);
    h_close(&h);
    /* Without a date the moment of the first look, which every later look knows. */
    T_STR(h_text(&h, h_report(&h, 'T', 0), "run_id"), "manual__2024-01-01T00:00:00.000007+00:00");
    h_end(&h);
}

T_MAIN(T_CASE(it_asks_for_the_run_of_its_fields), T_CASE(a_run_that_is_there_fails_or_skips),
       T_CASE(a_wait_holds_no_process))
