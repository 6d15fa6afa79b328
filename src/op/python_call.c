/* The interpreter: started, answered, and what came of it. */
#include "op/python_call.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/embed.h"
#include "op/command.h"
#include "task/world.h"

extern const struct dm_embedded dm_python_files[];

/* The runner travels in the order, so that a list of processes shows what runs and not a page of Python. */
static const char bootstrap[] =
    "import json, os, sys; order = json.loads(sys.stdin.buffer.read()); "
    "os.dup2(os.open(os.devnull, os.O_RDONLY), 0); "
    "exec(compile(order.pop('runner'), '<daymill>', 'exec'))";

static struct dm_str runner(void)
{
    for (const struct dm_embedded *f = dm_python_files; f->name; f++)
        if (strcmp(f->name, "runner.py") == 0)
            return dm_str_n(f->bytes, f->size);
    DM_BUG("the runner is not embedded");
}

/* ---- the start ---- */

/* A file without a name that holds the text, to be read from its beginning. */
static int memory_file(struct dm_str text, int *ret, struct dm_err *reterr)
{
    int fd = memfd_create("order", MFD_CLOEXEC);
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not make a file in memory");
    int rc = dm_write_all(fd, text.p, text.len, reterr);
    if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
        rc = dm_err_errno(reterr, errno, "could not rewind a file in memory");
    if (rc < 0)
        close(fd);
    else
        *ret = fd;
    return rc;
}

static int json_file(const struct dm_value *v, int *ret, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_value_to_json(&b, v, false);
    DM_TRY(dm_strbuf_check(&b, "what a Python function gets", reterr));
    return memory_file(dm_strbuf_str(&b), ret, reterr);
}

/* A name is looked for in PATH, a path in the project. */
static const char *interpreter(struct dm_attempt *at)
{
    struct dm_str s = dm_map_str(at->args, "interpreter", "python3");
    const char *name = dm_str_cstr(at->arena, s.len ? s : DM_STR("python3"));
    return strchr(name, '/') ? dm_path_join(at->arena, at->project->dir, name) : name;
}

static int prepare(struct dm_attempt *at, struct dm_command *c, struct dm_err *reterr)
{
    char **env;
    DM_TRY(dm_command_env(at, true, &env, reterr));
    DM_TRY(dm_command_cwd(at, &c->cwd, reterr));
    c->env = env;
    return 0;
}

static int started(struct dm_err *reterr, int rc)
{
    if (rc == DM_E_NOTFOUND)
        dm_err_hint(reterr,
                    "Install it, or name another one (interpreter: venv/bin/python); a path is "
                    "relative to the project.");
    return rc;
}

/* Where modules are looked for: the folders of the DAG, of all DAGs, and the project. */
static const struct dm_value *module_path(struct dm_attempt *at)
{
    struct dm_arena *a = at->arena;
    struct dm_value *list = dm_value_list(a, 0);
    const char *file = at->order->dag_file;
    if (file)
        dm_list_add(a, list,
                    dm_value_cstr(a, dm_path_dir(a, dm_path_join(a, at->project->dir, file))));
    dm_list_add(a, list, dm_value_cstr(a, at->project->dags_dir));
    dm_list_add(a, list, dm_value_cstr(a, at->project->dir));
    return list;
}

static int make_order(struct dm_attempt *at, bool decorated, const struct dm_value **ret,
                      struct dm_err *reterr)
{
    static const char *const fields[] = {"op_args", "op_kwargs", "templates_dict", NULL};
    struct dm_arena *a = at->arena;
    struct dm_value *order = dm_value_map(a);
    const struct dm_value *v;
    dm_map_set(a, order, "runner", dm_value_str(a, runner()));
    DM_TRY(dm_python_callable(at, dm_map_at(at->args, "python_callable"), &v, reterr));
    dm_map_set(a, order, "callable", v);
    DM_TRY(dm_python_context(at, true, &v, reterr));
    dm_map_set(a, order, "context", v);
    for (size_t i = 0; fields[i]; i++) {
        DM_TRY(dm_python_field(at, fields[i], &v, reterr));
        dm_map_set(a, order, fields[i], v);
    }
    dm_map_set(a, order, "path", module_path(at));
    dm_map_set(a, order, "decorated", decorated ? &dm_true : &dm_false);
    dm_map_set(a, order, "show",
               dm_map_bool(at->args, "show_return_value_in_logs", true) ? &dm_true : &dm_false);
    *ret = order;
    return 0;
}

/* ---- the channel ---- */

struct channel {
    struct dm_attempt *at;
    struct dm_context context;
    int fd, pid_fd;
    struct dm_strbuf in;
    const struct dm_value *end; /* the last message, or NULL */
};

static int answer(struct channel *c, const struct dm_value *v, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_value_to_json(&b, v, false);
    dm_strbuf_addc(&b, '\n');
    DM_TRY(dm_strbuf_check(&b, "an answer to a Python function", reterr));
    for (size_t done = 0; done < b.len;) {
        ssize_t n = send(c->fd, b.p + done, b.len - done, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return 0; /* it is gone: its end says why */
        done += n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

static void add_secret(struct dm_arena *a, struct dm_value *secrets, const struct dm_value *v)
{
    if (v && v->kind == DM_STRING && v->s.len)
        dm_list_add(a, secrets, v);
}

static int pull(struct channel *c, const struct dm_value *m, const struct dm_value **ret,
                struct dm_err *reterr)
{
    int64_t index = dm_map_int(m, "map_index", -1);
    if (dm_map_bool(m, "all", false))
        index = DM_XCOM_OF_ALL;
    else if (index < -1 || index >= INT32_MAX)
        return 0;
    return c->context.xcom(c->context.user, c->at->arena, dm_map_str(m, "dag_id", ""),
                           dm_map_str(m, "run_id", ""), dm_map_str(m, "task_id", ""), (int)index,
                           dm_map_str(m, "key", ""), ret, reterr);
}

/* 1 found, 0 not there, or an error; what must not be printed goes into `secrets`. */
static int look_up(struct channel *c, const struct dm_value *m, const struct dm_value **ret,
                   struct dm_value *secrets, struct dm_err *reterr)
{
    struct dm_arena *a = c->at->arena;
    struct dm_str what = dm_map_str(m, "do", ""), key = dm_map_str(m, "key", ""), text;
    if (dm_str_is(what, "xcom"))
        return pull(c, m, ret, reterr);
    if (dm_str_is(what, "variable")) {
        int rc = c->context.var(c->context.user, key, &text, reterr);
        if (rc > 0) {
            *ret = dm_value_str(a, dm_str_dup(a, text));
            if (dm_conn_secret_name(key))
                add_secret(a, secrets, *ret);
        }
        return rc;
    }
    int rc = c->context.conn(c->context.user, a, dm_map_str(m, "id", ""), ret, reterr);
    if (rc > 0) {
        const struct dm_value *extra = dm_map_at(*ret, "extra");
        add_secret(a, secrets, dm_map_at(*ret, "password"));
        for (size_t i = 0; extra && extra->kind == DM_MAP && i < extra->map.n; i++)
            if (extra->map.pairs[i].key->kind == DM_STRING &&
                dm_conn_secret_name(extra->map.pairs[i].key->s))
                add_secret(a, secrets, extra->map.pairs[i].value);
    }
    return rc;
}

static int on_question(struct channel *c, const struct dm_value *m, struct dm_err *reterr)
{
    struct dm_arena *a = c->at->arena;
    struct dm_value *reply = dm_value_map(a), *secrets = dm_value_list(a, 0);
    const struct dm_value *v = &dm_null;
    struct dm_err err;
    int rc = look_up(c, m, &v, secrets, &err);
    if (rc < 0) {
        dm_map_set(a, reply, "error", dm_value_cstr(a, err.message));
    } else {
        dm_map_set(a, reply, "found", rc ? &dm_true : &dm_false);
        dm_map_set(a, reply, "value", rc ? v : &dm_null);
        dm_map_set(a, reply, "secrets", secrets);
    }
    return answer(c, reply, reterr);
}

static int on_message(struct channel *c, struct dm_str line, struct dm_err *reterr)
{
    struct dm_arena *a = c->at->arena;
    struct dm_value *m;
    int rc = dm_value_from_json(a, dm_str_dup(a, line), &m, reterr);
    if (rc < 0)
        return dm_err_wrap(reterr, "what the Python function reported"), rc;
    struct dm_str what = dm_map_str(m, "do", "");
    if (dm_str_is(what, "end"))
        c->end = m;
    else if (dm_str_is(what, "push"))
        return dm_attempt_push_xcom(c->at, dm_str_cstr(a, dm_map_str(m, "key", "")),
                                    dm_map_at(m, "value"), reterr);
    else
        return on_question(c, m, reterr);
    return 0;
}

static int take_lines(struct channel *c, struct dm_err *reterr)
{
    struct dm_str rest = dm_strbuf_str(&c->in);
    ptrdiff_t end;
    while ((end = dm_str_find(rest, DM_STR("\n"), 0)) >= 0) {
        DM_TRY(on_message(c, dm_str_sub(rest, 0, (size_t)end), reterr));
        rest = dm_str_sub(rest, (size_t)end + 1, rest.len);
    }
    memmove(c->in.p, rest.p, rest.len);
    dm_strbuf_truncate(&c->in, rest.len);
    return dm_strbuf_check(&c->in, "a message of a Python function (DM_PYTHON_MESSAGE_MAX)",
                           reterr);
}

/* Until it says its end, or is gone: a child that it left behind may hold the channel open. */
static int attend(struct channel *c, struct dm_err *reterr)
{
    char buf[64 << 10];
    while (!c->end) {
        struct pollfd fds[] = {{.fd = c->fd, .events = POLLIN},
                               {.fd = c->pid_fd, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return dm_err_errno(reterr, errno, "could not wait for the Python function");
        if (!fds[0].revents && fds[1].revents)
            return 0;
        ssize_t n = fds[0].revents ? recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT) : -1;
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return 0;
        if (n < 0)
            continue;
        dm_strbuf_add(&c->in, buf, (size_t)n);
        DM_TRY(take_lines(c, reterr));
    }
    return 0;
}

static int attend_process(struct dm_attempt *at, int fd, pid_t pid, const struct dm_value **ret_end,
                          struct dm_err *reterr)
{
    struct channel c = {.at = at, .fd = fd};
    DM_TRY(dm_attempt_context(at, &c.context, reterr));
    c.pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (c.pid_fd < 0)
        return dm_err_errno(reterr, errno, "could not watch the interpreter");
    dm_strbuf_init(&c.in, DM_PYTHON_MESSAGE_MAX);
    int rc = attend(&c, reterr);
    dm_strbuf_release(&c.in);
    close(c.pid_fd);
    *ret_end = c.end;
    return rc;
}

/* ---- the end ---- */

static int failed(struct dm_attempt *at, const struct dm_value *end, struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    struct dm_str message = dm_map_str(end, "message", "it failed");
    if (dm_str_is(dm_map_str(end, "state", ""), "skipped"))
        return dm_err_set(reterr, DM_E_SKIP, "%.*s", DM_FMT(message));
    at->no_retry = !dm_map_bool(end, "retry", true);
    dm_err_set(reterr, DM_E_TASK, "%.*s", DM_FMT(message));
    struct dm_str file = dm_map_str(end, "file", ""), source = dm_map_str(end, "source", "");
    struct dm_str in = dm_map_str(end, "function", ""), hint = dm_map_str(end, "hint", "");
    if (file.len)
        dm_err_at(reterr, dm_project_relative(at->project, dm_str_cstr(a, file)),
                  (int)dm_map_int(end, "line", 0), 0);
    if (source.len)
        dm_err_detail(reterr, "%.*s%s%.*s", DM_FMT(in), in.len ? ": " : "", DM_FMT(source));
    if (hint.len)
        dm_err_hint(reterr, "%.*s", DM_FMT(hint));
    return DM_E_TASK;
}

/* The interpreter ended without a word: os._exit, a signal, a library that crashed. */
static int silent(int status, struct dm_err *reterr)
{
    if (WIFSIGNALED(status))
        return dm_err_set(reterr, DM_E_TASK, "the interpreter was ended by signal %d (%s)",
                          WTERMSIG(status), strsignal(WTERMSIG(status)));
    dm_err_set(reterr, DM_E_TASK,
               "the interpreter ended with the exit code %d before the function returned",
               WEXITSTATUS(status));
    dm_err_hint(reterr, "The task's log has what it printed.");
    return DM_E_TASK;
}

static int judge(struct dm_attempt *at, const struct dm_value *end, int status,
                 struct dm_python_result *ret, struct dm_err *reterr)
{
    if (!end)
        return silent(status, reterr);
    if (!dm_str_is(dm_map_str(end, "state", ""), "success"))
        return failed(at, end, reterr);
    const struct dm_value *value = dm_map_at(end, "value");
    *ret = (struct dm_python_result){
        .value = value && value->kind != DM_NULL ? value : NULL,
        .truth = dm_map_bool(end, "truth", false),
        .poke = dm_map_bool(end, "poke", false),
        .outputs = dm_map_bool(end, "outputs", false),
    };
    return 0;
}

int dm_python_call(struct dm_attempt *at, bool decorated, struct dm_python_result *ret,
                   struct dm_err *reterr)
{
    const struct dm_value *order, *end = NULL;
    const struct dm_value *callable = dm_map_at(at->args, "python_callable");
    const char *name = dm_str_cstr(at->arena, dm_map_str(callable, "name", ""));
    const char *argv[] = {interpreter(at), "-u", "-c", bootstrap, name, NULL};
    struct dm_command c = {.argv = argv, .out_fd = -1};
    int pair[2], status = 0;
    pid_t pid;

    DM_TRY(make_order(at, decorated, &order, reterr));
    DM_TRY(prepare(at, &c, reterr));
    DM_TRY(json_file(order, &c.in_fd, reterr));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        close(c.in_fd);
        return dm_err_errno(reterr, errno, "could not make a channel");
    }
    c.channel_fd = pair[1];
    int rc = dm_command_start(&c, &pid, reterr);
    close(c.in_fd);
    close(pair[1]);
    if (rc == 0) {
        rc = attend_process(at, pair[0], pid, &end, reterr);
        if (rc < 0)
            kill(pid, SIGKILL);
        int waited = dm_command_wait(pid, &status, rc < 0 ? NULL : reterr);
        rc = rc < 0 ? rc : waited;
    } else {
        rc = started(reterr, rc);
    }
    close(pair[0]);
    return rc < 0 ? rc : judge(at, end, status, ret, reterr);
}

/* ---- scripts ---- */

static int find_script(struct dm_attempt *at, const char **ret, struct dm_err *reterr)
{
    const char *path = dm_path_join(at->arena, at->project->dir,
                                    dm_str_cstr(at->arena, dm_map_str(at->args, "script", "")));
    if (dm_exists(path) && !dm_is_dir(path)) {
        *ret = path;
        return 0;
    }
    dm_err_set(reterr, DM_E_NOTFOUND, "there is no script %s",
               dm_project_relative(at->project, path));
    return dm_err_hint(reterr, "Its path is relative to the project.");
}

static int add_args(struct dm_attempt *at, const char **argv, size_t *n, struct dm_err *reterr)
{
    const struct dm_value *args = dm_map_at(at->args, "args");
    for (size_t i = 0;
         args && (args->kind == DM_LIST || args->kind == DM_TUPLE) && i < args->list.n; i++) {
        const struct dm_value *v = args->list.items[i];
        struct dm_str text = v->kind == DM_STRING ? v->s : dm_value_json(at->arena, v);
        if (memchr(text.p, 0, text.len))
            return dm_err_set(reterr, DM_E_INVALID, "argument %zu has a zero byte", i + 1);
        argv[(*n)++] = dm_str_cstr(at->arena, text);
    }
    return 0;
}

int dm_python_script(struct dm_attempt *at, const struct dm_value **ret_value,
                     struct dm_err *reterr)
{
    const struct dm_value *context, *args = dm_map_at(at->args, "args");
    struct dm_command c = {.channel_fd = -1};
    size_t n = 0, room = args && args->kind != DM_NULL ? args->list.n : 0;
    const char **argv = dm_arena_array(at->arena, const char *, room + 3);
    struct dm_str line;
    struct dm_value *json;
    int status;
    argv[n++] = interpreter(at);
    DM_TRY(find_script(at, &argv[n++], reterr));
    DM_TRY(add_args(at, argv, &n, reterr));
    argv[n] = NULL;
    c.argv = argv;
    DM_TRY(dm_python_context(at, false, &context, reterr));
    DM_TRY(prepare(at, &c, reterr));
    DM_TRY(json_file(context, &c.in_fd, reterr));
    int rc = dm_command_run(at, &c, &status, &line, reterr);
    close(c.in_fd);
    DM_TRY(started(reterr, rc));
    DM_TRY(dm_command_judge(at, status, line, reterr));
    if (!line.len)
        *ret_value = NULL;
    else if (dm_value_from_json(at->arena, line, &json, NULL) == 0)
        *ret_value = json;
    else
        *ret_value = dm_value_str(at->arena, line);
    return 0;
}
