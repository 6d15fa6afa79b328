/* `bash`: runs a command; its last line of output is the XCom.  `bash_sensor`: waits until one succeeds. */
#include <sys/wait.h>

#include "op/command.h"
#include "op/sensor.h"

static const char *const aliases[] = {"BashOperator", "airflow.operators.bash.BashOperator",
                                      "airflow.operators.bash_operator.BashOperator",
                                      "airflow.providers.standard.operators.bash.BashOperator",
                                      NULL};
static const char *const exts[] = {".sh", ".bash", NULL};

static const struct dm_op_field fields[] = {
    {"bash_command", DM_FIELD_STRING, true, true, NULL,
     "The command, or the name of a .sh or .bash file that holds it.", NULL},
    {"env", DM_FIELD_MAP, false, true, NULL,
     "Environment of the command; replaces the inherited one unless append_env is true.", NULL},
    {"append_env", DM_FIELD_BOOL, false, false, "false",
     "Add env to the inherited environment instead of replacing it.", NULL},
    {"cwd", DM_FIELD_STRING, false, true, NULL,
     "Folder to run in; relative to the project.  Default: the run's own scratch folder.", NULL},
    {"skip_on_exit_code", DM_FIELD_ANY, false, false, "99",
     "Exit code, or list of them, that means skipped.", "skip_exit_code"},
    {"fail_on_exit_code", DM_FIELD_ANY, false, false, NULL,
     "Exit code, or list of them, that fails the task without another try.", NULL},
    {"output_encoding", DM_FIELD_STRING, false, false, "\"utf-8\"",
     "Accepted as in Airflow; output is kept as the bytes that it is.", NULL},
    {NULL},
};

/* Runs bash_command; its exit status, and the last line of its output. */
static int run_command(struct dm_attempt *at, bool append_env, int *ret_status,
                       struct dm_str *ret_line, struct dm_err *reterr)
{
    struct dm_str command = dm_map_str(at->args, "bash_command", "");
    const char *argv[] = {"bash", "-c", NULL, NULL};
    struct dm_command c = {.argv = argv, .in_fd = -1, .channel_fd = -1};
    char **env;

    if (memchr(command.p, 0, command.len))
        return dm_err_set(reterr, DM_E_INVALID, "bash_command has a zero byte");
    argv[2] = dm_str_cstr(at->arena, command);
    DM_TRY(dm_command_env(at, append_env, &env, reterr));
    DM_TRY(dm_command_cwd(at, &c.cwd, reterr));
    c.env = env;
    return dm_command_run(at, &c, ret_status, ret_line, reterr);
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_str line;
    int status;
    DM_TRY(run_command(at, dm_map_bool(at->args, "append_env", false), &status, &line, reterr));
    DM_TRY(dm_command_judge(at, status, line, reterr));
    *ret = dm_value_str(at->arena, line);
    return 0;
}

/* ---- the sensor ---- */

static const char *const sensor_aliases[] = {"BashSensor", "airflow.sensors.bash.BashSensor",
                                             "airflow.contrib.sensors.bash_sensor.BashSensor",
                                             "airflow.providers.standard.sensors.bash.BashSensor",
                                             NULL};

static const struct dm_op_field sensor_fields[] = {
    {"bash_command", DM_FIELD_STRING, true, true, NULL,
     "The command, or the name of a .sh or .bash file that holds it; exit code 0 ends the wait.",
     NULL},
    {"env", DM_FIELD_MAP, false, true, NULL,
     "Environment of the command, instead of the inherited one.", NULL},
    {"retry_exit_code", DM_FIELD_INT, false, false, NULL,
     "The one exit code that means not yet; any other but 0 is then an error.", NULL},
    {"output_encoding", DM_FIELD_STRING, false, false, "\"utf-8\"",
     "Accepted as in Airflow; output is kept as the bytes that it is.", NULL},
    {NULL},
};

static int look(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    const struct dm_value *again = dm_map_at(at->args, "retry_exit_code");
    struct dm_str line;
    int status;
    DM_TRY(run_command(at, false, &status, &line, reterr));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 1;
    if (again && again->kind == DM_INT && !(WIFEXITED(status) && WEXITSTATUS(status) == again->i))
        return dm_command_judge(at, status, line, reterr);
    ret->missing =
        WIFEXITED(status)
            ? dm_arena_printf(at->arena, "the command returned the exit code %d",
                              WEXITSTATUS(status))
            : dm_arena_printf(at->arena, "the command was ended by signal %d", WTERMSIG(status));
    return 0;
}

static int execute_sensor(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_sensor_run(at, look, ret, reterr);
}

const struct dm_op dm_op_bash = {
    .spec = {.name = "bash",
             .aliases = aliases,
             .doc =
                 "Runs a command with `bash -c`.  Exit code 99 skips, any other but 0 fails; the "
                 "last line of standard output is the XCom value.",
             .fields = fields,
             .template_ext = exts},
    .execute = execute,
};

const struct dm_op dm_op_bash_sensor = {
    .spec = {.name = "bash_sensor",
             .aliases = sensor_aliases,
             .doc = "Waits until a command succeeds: it runs now and then, with `bash -c`.",
             .fields = sensor_fields,
             .template_ext = exts,
             .sensor = true},
    .execute = execute_sensor,
};
