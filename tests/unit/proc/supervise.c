/* The supervisor with children of a few lines of shell: restarts, readiness, the order of stopping, signals. */
#include "proc/supervise.h"

#include <fcntl.h>
#include <signal.h>

#include "base/file.h"
#include "base/time.h"
#include "proc/claim.h"
#include "t.h"

enum { SEEN_MAX = 64 };

/* At the event `when` ("a ready", "draining"), once, in the order of the list. */
struct step {
    const char *when;
    int signal;   /* that we send ourselves; 0 = none */
    int to_child; /* that the process gets to which it happened; 0 = none */
};
struct story {
    const struct step *steps;
    size_t at;
    const struct dm_service *services;
    struct dm_relay relay;
    char seen[SEEN_MAX][80];
    size_t n;
};

static const char *kind_name(enum dm_supervise_kind k)
{
    static const char *const names[] = {"started",    "ready",    "all ready", "failed",
                                        "ended",      "reloaded", "draining",  "hurrying",
                                        "terminated", "late",     "killed",    "gone"};
    return names[k];
}

static void happened(void *user, const struct dm_supervise_event *e)
{
    struct story *s = user;
    char text[80];
    bool general = e->kind == DM_SUPERVISE_ALL_READY || e->kind == DM_SUPERVISE_RELOADED ||
                   e->kind == DM_SUPERVISE_DRAINING || e->kind == DM_SUPERVISE_HURRYING;
    if (general)
        snprintf(text, sizeof(text), "%s", kind_name(e->kind));
    else if (e->end)
        snprintf(text, sizeof(text), "%s %s %d", s->services[e->service].name, kind_name(e->kind),
                 e->end->exit_status);
    else
        snprintf(text, sizeof(text), "%s %s", s->services[e->service].name, kind_name(e->kind));
    if (s->n < SEEN_MAX)
        memcpy(s->seen[s->n++], text, sizeof(text));
    const struct step *step = &s->steps[s->at];
    if (!step->when || strcmp(step->when, text) != 0)
        return;
    s->at++;
    if (step->signal)
        kill(getpid(), step->signal);
    if (step->to_child)
        kill(e->pid, step->to_child);
}

static void shell(const char *script, const char **argv)
{
    argv[0] = "sh";
    argv[1] = "-c";
    argv[2] = script;
    argv[3] = NULL;
}

/* Runs the services until they are stopped by the story; the lines that they wrote are in *lines. */
static void play(struct story *s, const struct dm_service *services, size_t n,
                 const struct step *steps, struct dm_arena *a, struct dm_str *lines)
{
    char path[] = "/tmp/dm-supervise-XXXXXX";
    struct dm_err err;
    struct dm_notify notify = {.fd = -1};
    int out = mkstemp(path);
    *s = (struct story){.steps = steps, .services = services};
    dm_relay_init(&s->relay, out, false, false, 1);
    struct dm_supervise_opts opts = {.program = "/bin/sh",
                                     .services = services,
                                     .n = n,
                                     .notify = &notify,
                                     .relay = &s->relay,
                                     .event = happened,
                                     .user = s};
    int rc = dm_supervise(&opts, &err);
    T_TRY(rc, err);
    dm_relay_finish(&s->relay, DM_SEC);
    dm_relay_release(&s->relay);
    T_TRY(dm_file_read(a, path, 1 << 20, lines, &err), err);
    close(out);
    unlink(path);
}

static int times(const struct story *s, const char *text)
{
    int n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += strcmp(s->seen[i], text) == 0;
    return n;
}

/* Position of the first, or -1. */
static int where(const struct story *s, const char *text)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->seen[i], text) == 0)
            return (int)i;
    return -1;
}

#define BEFORE(s, a, b) T_OK(where(s, a) >= 0 && where(s, a) < where(s, b))

/* A minute.  A shell that sleeps looks at its traps again and again; one that reads may miss the signal that comes just
   before it begins to. */
#define WAITS "n=0; while [ $n -lt 3000 ]; do n=$((n+1)); sleep 0.02; done 2>/dev/null; exit 9"
/* Says that it is ready and waits; ends with 0 at SIGTERM. */
#define SERVES "trap 'echo bye; exit 0' TERM; echo READY=1 >&3; " WAITS

static void a_child_that_dies_is_started_again(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *one[4];
    struct dm_str lines;
    struct story s;
    shell("echo started; " SERVES, one);
    const struct dm_service services[] = {{.name = "a", .argv = one, .kill_us = 5 * DM_SEC}};
    const struct step steps[] = {{"a ready", 0, SIGKILL}, {"a ready", SIGTERM, 0}, {NULL}};
    play(&s, services, 1, steps, &a, &lines);
    T_INT(times(&s, "a started"), 2);
    T_INT(times(&s, "a ended 137"), 1);
    T_INT(times(&s, "a gone 0"), 1);
    T_INT(times(&s, "all ready"), 1);
    T_DMSTR(lines, "a | started\na | started\na | bye\n");
}

static void what_cannot_be_started_is_tried_again(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *one[4];
    struct dm_str lines;
    struct story s;
    shell("exit 3", one);
    const struct dm_service services[] = {{.name = "a", .argv = one, .kill_us = DM_SEC}};
    const struct step steps[] = {{"a ended 3", 0, 0}, {"a ended 3", SIGTERM, 0}, {NULL}};
    play(&s, services, 1, steps, &a, &lines);
    T_INT(times(&s, "a started"), 2);
    T_INT(times(&s, "all ready"), 0);
    T_INT(times(&s, "draining"), 1);
}

static void all_are_ready_when_the_last_one_is(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *first[4], *second[4];
    struct dm_str lines;
    struct story s;
    shell(SERVES, first);
    /* Says other things, half of a line, and the rest of it later. */
    shell("trap 'echo 1 >&3' USR1; trap 'exit 0' TERM; echo STATUS=slow >&3; echo NONSENSE >&3; "
          "printf READY= >&3; kill -USR1 $$; while :; do read x <&3 || exit 9; done",
          second);
    const struct dm_service services[] = {{.name = "a", .argv = first, .kill_us = 5 * DM_SEC},
                                          {.name = "b", .argv = second, .kill_us = 5 * DM_SEC}};
    const struct step steps[] = {{"all ready", SIGTERM, 0}, {NULL}};
    play(&s, services, 2, steps, &a, &lines);
    BEFORE(&s, "a ready", "all ready");
    BEFORE(&s, "b ready", "all ready");

    shell("exit 3", second);
    const struct step never[] = {{"a ready", 0, 0}, {"b ended 3", SIGTERM, 0}, {NULL}};
    play(&s, services, 2, never, &a, &lines);
    T_INT(times(&s, "a ready"), 1);
    T_INT(times(&s, "all ready"), 0);
}

static void services_stop_one_after_the_other(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *first[4], *second[4];
    struct dm_str lines;
    struct story s;
    shell(SERVES, first);
    shell(SERVES, second);
    const struct dm_service services[] = {
        {.name = "a", .argv = first, .drain_us = 60 * DM_SEC, .kill_us = 5 * DM_SEC},
        {.name = "b", .argv = second, .kill_us = 5 * DM_SEC}};
    const struct step steps[] = {{"all ready", SIGTERM, 0}, {NULL}};
    play(&s, services, 2, steps, &a, &lines);
    BEFORE(&s, "all ready", "draining");
    BEFORE(&s, "a terminated", "a gone 0");
    BEFORE(&s, "a gone 0", "b terminated");
    BEFORE(&s, "b terminated", "b gone 0");
    T_INT(times(&s, "a late") + times(&s, "a killed") + times(&s, "b killed"), 0);
}

static void who_is_needed_is_restarted_while_others_drain(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *first[4], *second[4];
    char dir[] = "/tmp/dm-supervise-XXXXXX";
    struct dm_str lines;
    struct dm_err err;
    struct story s;
    T_OK(mkdtemp(dir) != NULL);
    /* The first one ends its drain when the second one was started again; that one dies when the drain begins. */
    shell(dm_arena_printf(&a,
                          "trap 'touch %s/drains; until [ -e %s/again ]; do sleep 0.01; done; "
                          "exit 0' TERM; echo READY=1 >&3; " WAITS,
                          dir, dir),
          first);
    shell(dm_arena_printf(&a,
                          "trap 'exit 0' TERM; [ -e %s/born ] && touch %s/again; touch %s/born; "
                          "echo READY=1 >&3; until [ -e %s/drains ]; do sleep 0.01; done; "
                          "[ -e %s/again ] || exit 7; " WAITS,
                          dir, dir, dir, dir, dir),
          second);
    const struct dm_service services[] = {
        {.name = "a", .argv = first, .drain_us = 60 * DM_SEC, .kill_us = 5 * DM_SEC},
        {.name = "b", .argv = second, .kill_us = 5 * DM_SEC}};
    const struct step steps[] = {{"all ready", SIGTERM, 0}, {NULL}};
    play(&s, services, 2, steps, &a, &lines);
    BEFORE(&s, "a terminated", "b ended 7");
    BEFORE(&s, "b ended 7", "a gone 0");
    BEFORE(&s, "a gone 0", "b terminated");
    T_INT(times(&s, "b gone 0"), 1);
    T_TRY(dm_remove_tree(dir, &err), err);
}

static void the_second_request_is_now(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *first[4], *second[4];
    struct dm_str lines;
    struct story s;
    /* Ends at its second SIGTERM only. */
    shell("n=0; trap 'n=$((n+1)); [ $n = 2 ] && exit 4' TERM; echo READY=1 >&3; "
          "while :; do sleep 0.02; done",
          first);
    shell(SERVES, second);
    const struct dm_service services[] = {
        {.name = "a", .argv = first, .drain_us = DM_HOUR, .kill_us = DM_HOUR},
        {.name = "b", .argv = second, .kill_us = DM_HOUR}};
    const struct step steps[] = {{"all ready", SIGTERM, 0}, {"a terminated", SIGINT, 0}, {NULL}};
    play(&s, services, 2, steps, &a, &lines);
    BEFORE(&s, "a terminated", "hurrying");
    BEFORE(&s, "hurrying", "a late");
    BEFORE(&s, "b terminated", "a gone 4");
}

static void who_does_not_end_is_killed(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *one[4];
    struct dm_str lines;
    struct story s;
    /* The drain limit, then the second SIGTERM, then the limit for that. */
    shell("trap '' TERM; echo READY=1 >&3; while :; do sleep 0.02; done", one);
    const struct dm_service services[] = {
        {.name = "a", .argv = one, .drain_us = 20 * DM_MS, .kill_us = 20 * DM_MS}};
    const struct step steps[] = {{"all ready", SIGTERM, 0}, {NULL}};
    play(&s, services, 1, steps, &a, &lines);
    BEFORE(&s, "a terminated", "a late");
    BEFORE(&s, "a late", "a killed");
    BEFORE(&s, "a killed", "a gone 137");
}

static void hup_reaches_those_that_reload(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *first[4], *second[4];
    struct dm_str lines;
    struct story s;
    shell("trap 'echo STATUS=again >&3; echo reloads; kill -TERM $PPID' HUP; " SERVES, first);
    shell(SERVES, second);
    const struct dm_service services[] = {
        {.name = "a", .argv = first, .reload_signal = SIGHUP, .kill_us = 5 * DM_SEC},
        {.name = "b", .argv = second, .kill_us = 5 * DM_SEC}};
    const struct step steps[] = {{"all ready", SIGHUP, 0}, {NULL}};
    play(&s, services, 2, steps, &a, &lines);
    BEFORE(&s, "reloaded", "draining");
    T_INT(times(&s, "b gone 0"), 1);
    T_HAS(dm_str_cstr(&a, lines), "a | reloads\n");
}

static void the_pause_doubles_and_a_good_life_forgets_it(void)
{
    int64_t pause = 0;
    T_INT(dm_supervise_pause(&pause, 0), 100 * DM_MS);
    T_INT(dm_supervise_pause(&pause, DM_SEC), 200 * DM_MS);
    for (int i = 0; i < 5; i++)
        (void)dm_supervise_pause(&pause, 0);
    T_INT(pause, 64 * 100 * DM_MS);
    T_INT(dm_supervise_pause(&pause, 0), 10 * DM_SEC);
    T_INT(dm_supervise_pause(&pause, 0), 10 * DM_SEC);
    T_INT(dm_supervise_pause(&pause, DM_MIN), 100 * DM_MS);
}

static void a_claim_names_its_holder(void)
{
    char dir[] = "/tmp/dm-claim-XXXXXX", pid[32];
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    int fd, second;
    T_OK(mkdtemp(dir) != NULL);
    const char *path = dm_path_join(&a, dir, "run/x.lock");
    T_TRY(dm_claim_take(path, "the project", "daymill standalone", &fd, &err), err);
    T_INT(dm_claim_take(path, "the project", "other", &second, &err), DM_E_BUSY);
    snprintf(pid, sizeof(pid), "process %d (", (int)getpid());
    T_HAS(err.message, "the project is held by ");
    T_HAS(err.message, pid);
    T_HAS(err.message, "(daymill standalone)");
    close(fd);
    T_TRY(dm_claim_take(path, "the project", "other", &fd, &err), err);
    close(fd);
    T_TRY(dm_remove_tree(dir, &err), err);
}

T_MAIN(T_CASE(a_child_that_dies_is_started_again), T_CASE(what_cannot_be_started_is_tried_again),
       T_CASE(all_are_ready_when_the_last_one_is), T_CASE(services_stop_one_after_the_other),
       T_CASE(who_is_needed_is_restarted_while_others_drain), T_CASE(the_second_request_is_now),
       T_CASE(who_does_not_end_is_killed), T_CASE(hup_reaches_those_that_reload),
       T_CASE(the_pause_doubles_and_a_good_life_forgets_it), T_CASE(a_claim_names_its_holder))
