/* Commands: environment, start, output, exit codes. */
#include "op/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

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

int dm_command_env(struct dm_attempt *at, bool append, char ***ret, struct dm_err *reterr)
{
    extern char **environ;
    struct dm_arena *a = at->arena;
    const struct dm_order *o = at->order;
    const struct dm_value *given = dm_map_at(at->args, "env");
    bool has = given && given->kind == DM_MAP;
    struct dm_value *env = dm_value_map(a);
    if (!has || append) {
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

int dm_command_cwd(struct dm_attempt *at, const char **ret, struct dm_err *reterr)
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

int dm_command_start(const struct dm_command *c, pid_t *ret, struct dm_err *reterr)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    fflush(stdout);
    posix_spawn_file_actions_init(&actions);
    if (c->in_fd < 0)
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    else
        posix_spawn_file_actions_adddup2(&actions, c->in_fd, STDIN_FILENO);
    if (c->out_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, c->out_fd, STDOUT_FILENO);
    if (c->channel_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, c->channel_fd, DM_CHANNEL_FD);
    posix_spawn_file_actions_addchdir_np(&actions, c->cwd);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    int failed = posix_spawnp(ret, c->argv[0], &actions, &attr, (char *const *)c->argv, c->env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return failed ? dm_err_errno(reterr, failed, "could not start %s", c->argv[0]) : 0;
}

int dm_command_wait(pid_t pid, int *ret_status, struct dm_err *reterr)
{
    while (waitpid(pid, ret_status, 0) < 0)
        if (errno != EINTR)
            return dm_err_errno(reterr, errno, "could not wait for the command");
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

int dm_command_judge(struct dm_attempt *at, int status, struct dm_str line, struct dm_err *reterr)
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

int dm_command_run(struct dm_attempt *at, struct dm_command *c, int *ret_status,
                   struct dm_str *ret_line, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf line;
    int out[2];
    pid_t pid;
    dm_strbuf_init(&line, DM_LAST_LINE_MAX);
    if (pipe2(out, O_CLOEXEC) < 0)
        return dm_err_errno(reterr, errno, "could not make a pipe");
    c->out_fd = out[1];
    int rc = dm_command_start(c, &pid, reterr);
    close(out[1]);
    if (rc == 0) {
        rc = follow(out[0], &line, reterr);
        if (rc < 0)
            kill(pid, SIGKILL);
        int waited = dm_command_wait(pid, ret_status, rc < 0 ? NULL : reterr);
        rc = rc < 0 ? rc : waited;
    }
    close(out[0]);
    if (rc == 0)
        *ret_line = dm_str_dup(at->arena, dm_str_trim(dm_strbuf_str(&line)));
    return rc;
}
