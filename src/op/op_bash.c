/* `bash`: runs a command; its last line of output is the XCom.  `bash_sensor`: waits until one succeeds. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "op/op.h"
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

enum { LAST_LINE_MAX = 64 << 10 }; /* bytes of the last line that become the XCom value */

/* ---- environment ---- */

/* Replaces or adds NAME=VALUE. */
static void set_env(struct dm_arena *a, struct dm_value *env, const char *name, struct dm_str value)
{
    dm_map_set(a, env, name, dm_value_str(a, value));
}

static int add_given(struct dm_attempt *at, struct dm_value *env, const struct dm_value *given,
                     struct dm_err *reterr)
{
    for (size_t i = 0; given && given->kind == DM_MAP && i < given->map.n; i++) {
        const struct dm_pair *p = &given->map.pairs[i];
        if (p->key->kind != DM_STRING || !p->key->s.len || memchr(p->key->s.p, '=', p->key->s.len))
            return dm_err_set(reterr, DM_E_INVALID, "env has a name that is none of a variable");
        struct dm_str text =
            p->value->kind == DM_STRING ? p->value->s : dm_value_json(at->arena, p->value);
        if (memchr(text.p, 0, text.len))
            return dm_err_set(reterr, DM_E_INVALID, "env: the value of %.*s has a zero byte",
                              DM_FMT(p->key->s));
        set_env(at->arena, env, dm_str_cstr(at->arena, p->key->s), text);
    }
    return 0;
}

/* As Airflow: `env` instead of the inherited environment, or added to it; then what tells a command its run. */
static int build_env(struct dm_attempt *at, char ***ret, struct dm_err *reterr)
{
    extern char **environ;
    struct dm_arena *a = at->arena;
    const struct dm_order *o = at->order;
    const struct dm_value *given = dm_map_at(at->args, "env");
    bool has = given && given->kind == DM_MAP;
    struct dm_value *env = dm_value_map(a);
    if (!has || dm_map_bool(at->args, "append_env", false)) {
        for (char **e = environ; *e; e++) {
            char *equals = strchr(*e, '=');
            if (equals)
                set_env(a, env, dm_arena_strndup(a, *e, (size_t)(equals - *e)),
                        dm_str_c(equals + 1));
        }
    }
    char iso[DM_TIME_MAX];
    set_env(a, env, "DAYMILL_HOME", dm_str_c(at->project->dir));
    set_env(a, env, "AIRFLOW_CTX_DAG_OWNER", dm_str_c(o->owner));
    set_env(a, env, "AIRFLOW_CTX_DAG_ID", dm_str_c(o->dag_id));
    set_env(a, env, "AIRFLOW_CTX_TASK_ID", dm_str_c(o->task_id));
    set_env(a, env, "AIRFLOW_CTX_EXECUTION_DATE",
            dm_str_dup(a, dm_str_c(dm_time_iso(o->logical_date, iso))));
    set_env(a, env, "AIRFLOW_CTX_TRY_NUMBER", dm_str_printf(a, "%d", o->try_number));
    set_env(a, env, "AIRFLOW_CTX_DAG_RUN_ID", dm_str_c(o->run_id));
    DM_TRY(add_given(at, env, given, reterr));

    char **list = dm_arena_array(a, char *, env->map.n + 1);
    for (size_t i = 0; i < env->map.n; i++)
        list[i] = dm_arena_printf(a, "%.*s=%.*s", DM_FMT(env->map.pairs[i].key->s),
                                  DM_FMT(env->map.pairs[i].value->s));
    *ret = list;
    return 0;
}

static int find_cwd(struct dm_attempt *at, const char **ret, struct dm_err *reterr)
{
    struct dm_str cwd = dm_map_str(at->args, "cwd", "");
    if (!cwd.len)
        return dm_attempt_scratch(at, ret, reterr);
    *ret = dm_path_join(at->arena, at->project->dir, dm_str_cstr(at->arena, cwd));
    return dm_is_dir(*ret)
               ? 0
               : dm_err_set(reterr, DM_E_NOTFOUND, "cwd \"%.*s\" is no folder", DM_FMT(cwd));
}

/* ---- the child ---- */

/* In our process group, and with our lease: it ends with us.  Standard error goes straight to the log. */
static int start(struct dm_attempt *at, const char *command, pid_t *ret_pid, int *ret_out,
                 struct dm_err *reterr)
{
    char **env;
    const char *cwd;
    char *argv[] = {(char *)"bash", (char *)"-c", (char *)command, NULL};
    int out[2];
    DM_TRY(build_env(at, &env, reterr));
    DM_TRY(find_cwd(at, &cwd, reterr));
    if (pipe2(out, O_CLOEXEC) < 0)
        return dm_err_errno(reterr, errno, "could not make a pipe");
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions, cwd);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    int failed = posix_spawnp(ret_pid, "bash", &actions, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    if (failed) {
        close(out[0]);
        return dm_err_errno(reterr, failed, "could not start bash");
    }
    *ret_out = out[0];
    return 0;
}

/* Hands output on to the log and keeps the last line that is there when it ends.  A line that is longer than the limit
   is kept cut. */
static int follow(int fd, struct dm_strbuf *line, struct dm_err *reterr)
{
    char buf[16 << 10];
    bool ended = false; /* the line in hand has its end: the next byte begins a new one */
    for (;;) {
        ssize_t n = read(fd, buf, sizeof(buf));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dm_err_errno(reterr, errno, "could not read the command's output");
        if (n == 0)
            return 0;
        DM_TRY(dm_write_all(STDOUT_FILENO, buf, (size_t)n, reterr));
        for (ssize_t i = 0; i < n; i++) {
            if (ended) {
                dm_strbuf_clear(line);
                ended = false;
            }
            if (buf[i] == '\n')
                ended = true;
            else
                dm_strbuf_addc(line, buf[i]);
        }
    }
}

static bool is_code(const struct dm_attempt *at, const char *field, int code)
{
    const struct dm_value *v = dm_map_at(at->args, field);
    if (v && v->kind == DM_INT)
        return v->i == code;
    for (size_t i = 0; v && (v->kind == DM_LIST || v->kind == DM_TUPLE) && i < v->list.n; i++)
        if (v->list.items[i]->kind == DM_INT && v->list.items[i]->i == code)
            return true;
    return false;
}

static int judge(struct dm_attempt *at, int status, struct dm_str line, struct dm_err *reterr)
{
    if (WIFSIGNALED(status))
        return dm_err_set(reterr, DM_E_TASK, "the command was ended by signal %d (%s)",
                          WTERMSIG(status), strsignal(WTERMSIG(status)));
    int code = WEXITSTATUS(status);
    if (code == 0)
        return 0;
    if (is_code(at, "skip_on_exit_code", code))
        return dm_err_set(reterr, DM_E_SKIP, "the command returned the exit code %d", code);
    at->no_retry = is_code(at, "fail_on_exit_code", code);
    dm_err_set(reterr, DM_E_TASK, "the command returned the exit code %d%s", code,
               code == 127   ? ": command not found"
               : code == 126 ? ": command cannot run"
                             : "");
    if (line.len)
        dm_err_detail(reterr, "Its last line was: %.*s", DM_FMT(line));
    return DM_E_TASK;
}

/* Runs bash_command; its exit status, and the last line of its output, trimmed, in the arena. */
static int run_command(struct dm_attempt *at, int *ret_status, struct dm_str *ret_last,
                       struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf line;
    struct dm_str command = dm_map_str(at->args, "bash_command", "");
    pid_t pid;
    int out;

    dm_strbuf_init(&line, LAST_LINE_MAX);
    if (memchr(command.p, 0, command.len))
        return dm_err_set(reterr, DM_E_INVALID, "bash_command has a zero byte");
    fflush(stdout);
    DM_TRY(start(at, dm_str_cstr(at->arena, command), &pid, &out, reterr));
    int rc = follow(out, &line, reterr);
    close(out);
    if (rc < 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, ret_status, 0) < 0)
        if (errno != EINTR)
            return dm_err_errno(reterr, errno, "could not wait for the command");
    if (rc < 0)
        return rc;
    *ret_last = dm_str_dup(at->arena, dm_str_trim(dm_strbuf_str(&line)));
    return 0;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_str last;
    int status;
    DM_TRY(run_command(at, &status, &last, reterr));
    DM_TRY(judge(at, status, last, reterr));
    *ret = dm_value_str(at->arena, last);
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
    struct dm_str last;
    int status;
    DM_TRY(run_command(at, &status, &last, reterr));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 1;
    if (again && again->kind == DM_INT && !(WIFEXITED(status) && WEXITSTATUS(status) == again->i))
        return judge(at, status, last, reterr);
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
