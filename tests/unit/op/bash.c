/* The `bash` operator: exit codes, the last line, the environment. */
#include "harness.h"

static void the_last_line_is_the_value(void)
{
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    T_TRY(
        h_run(&h, "bash", "{\"bash_command\": \"echo first; echo ' the last '; echo no >&2\"}", &v),
        h.err);
    T_DMSTR(v->s, "the last");
    T_TRY(h_run(&h, "bash", "{\"bash_command\": \"true\"}", &v), h.err);
    T_DMSTR(v->s, "");
    h_end(&h);
}

static void exit_codes_skip_and_fail(void)
{
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    T_INT(h_run(&h, "bash", "{\"bash_command\": \"exit 99\"}", &v), DM_E_SKIP);
    T_INT(h_run(&h, "bash", "{\"bash_command\": \"exit 99\", \"skip_on_exit_code\": null}", &v),
          DM_E_TASK);
    T_INT(h_run(&h, "bash", "{\"bash_command\": \"exit 7\", \"skip_on_exit_code\": [6, 7]}", &v),
          DM_E_SKIP);
    T_INT(h_run(&h, "bash", "{\"bash_command\": \"echo why; exit 3\"}", &v), DM_E_TASK);
    T_HAS(h.err.message, "exit code 3");
    T_HAS(h.err.detail, "why");
    T_OK(!h.at.no_retry);
    T_INT(h_run(&h, "bash", "{\"bash_command\": \"exit 3\", \"fail_on_exit_code\": 3}", &v),
          DM_E_TASK);
    T_OK(h.at.no_retry);
    T_INT(h_run(&h, "bash", "{\"bash_command\": \"kill -9 $$\"}", &v), DM_E_TASK);
    T_HAS(h.err.message, "signal 9");
    h_end(&h);
}

static void the_environment_is_airflow_s(void)
{
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    setenv("DM_OP_TEST", "inherited", 1);
    T_TRY(h_run(&h, "bash",
                "{\"bash_command\": \"echo $DM_OP_TEST/$A/$AIRFLOW_CTX_DAG_ID/"
                "$AIRFLOW_CTX_EXECUTION_DATE\"}",
                &v),
          h.err);
    T_DMSTR(v->s, "inherited//d/2010-12-01T00:00:00+00:00");
    T_TRY(h_run(&h, "bash",
                "{\"bash_command\": \"echo $DM_OP_TEST/$A\", \"env\": {\"A\": \"x y\"}}", &v),
          h.err);
    T_DMSTR(v->s, "/x y");
    T_TRY(h_run(&h, "bash",
                "{\"bash_command\": \"echo $DM_OP_TEST/$A\", \"env\": {\"A\": 1}, \"append_env\": "
                "true}",
                &v),
          h.err);
    T_DMSTR(v->s, "inherited/1");
    h_end(&h);
}

static void it_runs_in_the_run_s_scratch_folder(void)
{
    struct h h;
    const struct dm_value *v;
    const char *scratch;
    h_begin(&h);
    T_TRY(h_run(&h, "bash", "{\"bash_command\": \"pwd\"}", &v), h.err);
    T_TRY(dm_attempt_scratch(&h.at, &scratch, &h.err), h.err);
    T_DMSTR(v->s, scratch);
    T_INT(h_run(&h, "bash", "{\"bash_command\": \"pwd\", \"cwd\": \"nowhere\"}", &v),
          DM_E_NOTFOUND);
    h_end(&h);
}

T_MAIN(T_CASE(the_last_line_is_the_value), T_CASE(exit_codes_skip_and_fail),
       T_CASE(the_environment_is_airflow_s), T_CASE(it_runs_in_the_run_s_scratch_folder))
