/* `bash`: runs a command; its last line of output is the XCom. */
#include "op/command.h"

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

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_str command = dm_map_str(at->args, "bash_command", ""), line;
    const char *argv[] = {"bash", "-c", NULL, NULL};
    struct dm_command c = {.argv = argv, .in_fd = -1, .channel_fd = -1};
    char **env;
    int status;

    if (memchr(command.p, 0, command.len))
        return dm_err_set(reterr, DM_E_INVALID, "bash_command has a zero byte");
    argv[2] = dm_str_cstr(at->arena, command);
    DM_TRY(dm_command_env(at, dm_map_bool(at->args, "append_env", false), &env, reterr));
    DM_TRY(dm_command_cwd(at, &c.cwd, reterr));
    c.env = env;
    DM_TRY(dm_command_run(at, &c, &status, &line, reterr));
    DM_TRY(dm_command_judge(at, status, line, reterr));
    *ret = dm_value_str(at->arena, line);
    return 0;
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
