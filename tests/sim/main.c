/*
 * build/tests/sim [--long]                the tests; --long takes more worlds and more years
 * build/tests/sim --speed [DAGS [YEARS]]  how fast: task transitions per second, and memory (a figure, no test)
 * build/tests/sim --world SEED            one stormy world, with its figures
 */
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "sim.h"

static bool is_long;

static void describe(const struct sim *w)
{
    printf("# seed %llu: %zu transitions, %zu attempts, %zu turns, %zu requests, %zu kills\n",
           (unsigned long long)w->o.seed, w->transitions, w->attempts, w->turns, w->asked,
           w->kills);
}

static void settle(const struct sim *w)
{
    t_failures += w->failures;
    if (w->failures)
        describe(w);
}

static struct sim_options stormy(uint64_t seed)
{
    return (struct sim_options){.seed = seed,
                                .n_dags = 3,
                                .from = SIM_EPOCH,
                                .to = SIM_EPOCH + (is_long ? 730 : 120) * DM_DAY,
                                .ask_every = 12 * DM_HOUR,
                                .kill_permille = 20};
}

static void stormy_worlds_keep_to_the_rules(void)
{
    for (uint64_t seed = 1; seed <= (is_long ? 100 : 12) && !t_failures; seed++) {
        struct sim w;
        struct sim_options o = stormy(seed);
        sim_run(&w, &o);
        settle(&w);
        sim_release(&w);
    }
}

/* The first line in which they differ. */
static void compare(const char *a, const char *b, const char *what)
{
    while (*a && *a == *b) {
        const char *end_a = strchr(a, '\n'), *end_b = strchr(b, '\n');
        if (!end_a || end_a - a != end_b - b || memcmp(a, b, (size_t)(end_a - a)) != 0)
            break;
        a = end_a + 1;
        b = end_b + 1;
    }
    if (strcmp(a, b) != 0)
        t_fail(__FILE__, __LINE__, "%s:\n#   %.*s\n#   %.*s", what, (int)strcspn(a, "\n"), a,
               (int)strcspn(b, "\n"), b);
}

static void compare_worlds(const struct sim_options *one, const struct sim_options *other,
                           const char *what)
{
    struct sim w, v;
    sim_run(&w, one);
    sim_run(&v, other);
    settle(&w);
    settle(&v);
    compare(sim_picture(&w, !one->any_rule), sim_picture(&v, !one->any_rule), what);
    if (t_failures) {
        describe(&w);
        describe(&v);
    }
    sim_release(&w);
    sim_release(&v);
}

static void kills_change_nothing(void)
{
    for (uint64_t seed = 1; seed <= (is_long ? 100 : 16) && !t_failures; seed++) {
        struct sim_options o = stormy(seed), undisturbed;
        o.calm = true;
        undisturbed = o;
        undisturbed.kill_permille = 0;
        compare_worlds(&undisturbed, &o, "without and with kills");
    }
}

static void cut(const struct sim_options *whole, const int64_t *steps, size_t n)
{
    for (uint64_t seed = 1; seed <= (is_long ? 20 : 3) && !t_failures; seed++)
        for (size_t i = 0; i < n && !t_failures; i++) {
            struct sim_options o = *whole, cut;
            o.seed = seed;
            o.n_dags = 3;
            o.from = SIM_EPOCH;
            o.calm = o.timeless = true;
            cut = o;
            cut.step = steps[i];
            compare_worlds(&o, &cut, "one event after the other, and with time cut");
        }
}

static const int64_t days[] = {DM_HOUR, 7 * DM_HOUR, DM_DAY, 11 * DM_DAY, 100 * DM_DAY};
static const int64_t minutes[] = {DM_SEC, 13 * DM_SEC, DM_MIN, 59 * DM_MIN};

static void the_cut_of_time_changes_nothing(void)
{
    cut(&(struct sim_options){.to = SIM_EPOCH + 300 * DM_DAY}, days, 5);
}

static void the_cut_of_minutes_changes_nothing(void)
{
    cut(&(struct sim_options){.to = SIM_EPOCH + 3 * DM_HOUR, .by_the_clock = true}, minutes, 4);
}

static void the_cut_of_time_makes_the_same_runs(void)
{
    cut(&(struct sim_options){.to = SIM_EPOCH + 300 * DM_DAY, .any_rule = true}, days, 5);
    cut(&(struct sim_options){.to = SIM_EPOCH + 3 * DM_HOUR,
                              .any_rule = true,
                              .by_the_clock = true},
        minutes, 4);
}

static struct sim_options plain(size_t n_dags, int years)
{
    return (struct sim_options){.seed = 1,
                                .n_dags = n_dags,
                                .from = SIM_EPOCH,
                                .to = SIM_EPOCH + years * 365 * DM_DAY,
                                .plain = true,
                                .unchecked = true};
}

/* What is in use at the end beside what was in use after a tenth of the time. */
static void years_do_not_grow_in_memory(void)
{
    struct sim w;
    struct sim_options o = is_long ? plain(50, 10) : plain(5, 2);
    sim_run(&w, &o);
    size_t late = mallinfo2().uordblks;
    if (late > w.heap_early + (1 << 20)) /* the store's pages fill up slowly */
        t_fail(__FILE__, __LINE__, "%zu bytes in use after a tenth of the time, %zu at the end",
               w.heap_early, late);
    sim_release(&w);
}

/* ---- figures ---- */

static int64_t cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static int show_speed(size_t n_dags, int years)
{
    struct sim w;
    struct sim_options o = plain(n_dags, years);
    struct rusage u;
    int64_t begun = dm_clock_monotonic(), cpu = cpu_us();
    sim_run(&w, &o);
    double wall = (double)(dm_clock_monotonic() - begun) / 1e6,
           busy = (double)(cpu_us() - cpu) / 1e6;
    getrusage(RUSAGE_SELF, &u);
    printf("%zu DAGs of 4 tasks, daily, %d years: %zu attempts, %zu turns\n", n_dags, years,
           w.attempts, w.turns);
    printf("%zu task transitions in %.2f s (%.2f s of CPU): %.0f a second, %.0f a second of CPU\n",
           w.transitions, wall, busy, (double)w.transitions / wall, (double)w.transitions / busy);
    printf("heap: %zu KB after a tenth of the time, %zu KB at the end; peak resident %ld KB\n",
           w.heap_early / 1024, mallinfo2().uordblks / 1024, u.ru_maxrss);
    sim_release(&w);
    return 0;
}

static int show_world(uint64_t seed)
{
    struct sim w;
    struct sim_options o = stormy(seed);
    sim_run(&w, &o);
    describe(&w);
    sim_release(&w);
    return w.failures > 0;
}

int main(int argc, char **argv)
{
    static const struct t_case cases[] = {
        T_CASE(stormy_worlds_keep_to_the_rules),     T_CASE(kills_change_nothing),
        T_CASE(the_cut_of_time_changes_nothing),     T_CASE(the_cut_of_minutes_changes_nothing),
        T_CASE(the_cut_of_time_makes_the_same_runs), T_CASE(years_do_not_grow_in_memory),
    };
    if (argc > 1 && strcmp(argv[1], "--speed") == 0)
        return show_speed(argc > 2 ? strtoul(argv[2], NULL, 10) : 50,
                          argc > 3 ? (int)strtoul(argv[3], NULL, 10) : 1);
    if (argc > 2 && strcmp(argv[1], "--world") == 0)
        return show_world(strtoull(argv[2], NULL, 10));
    is_long = argc > 1 && strcmp(argv[1], "--long") == 0;
    return t_run(cases, sizeof(cases) / sizeof(cases[0]));
}
