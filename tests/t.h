/*
 * A small harness for unit tests: TAP on standard output, both sides printed where they differ.
 *
 *   static void adds(void) { T_INT(1 + 1, 2); }
 *   T_MAIN(T_CASE(adds))
 *
 * A test program runs its cases in order and exits with 1 if one failed.  T_SKIP("reason") leaves the case.
 */
#ifndef DM_T_H
#define DM_T_H

#include "base/err.h"
#include "base/str.h"

struct t_case {
    const char *name;
    void (*run)(void);
};

static const char *t_skipped;
static int t_failures;

static inline void t_fail(const char *file, int line, const char *fmt, ...) dm_printf(3, 4);
static inline void t_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("# %s:%d: ", file, line);
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    t_failures++;
}

#define T_CASE(fn) \
    {              \
#fn, fn    \
    }
#define T_OK(cond)                                             \
    do {                                                       \
        if (!(cond))                                           \
            t_fail(__FILE__, __LINE__, "not true: %s", #cond); \
    } while (0)
#define T_INT(got, want)                                                           \
    do {                                                                           \
        long long t_g = (long long)(got), t_w = (long long)(want);                 \
        if (t_g != t_w)                                                            \
            t_fail(__FILE__, __LINE__, "%s: got %lld, want %lld", #got, t_g, t_w); \
    } while (0)
#define T_STR(got, want)                                                          \
    do {                                                                          \
        const char *t_g = (got), *t_w = (want);                                   \
        if (!t_g || !t_w ? t_g != t_w : strcmp(t_g, t_w) != 0)                    \
            t_fail(__FILE__, __LINE__, "%s:\n#   got  |%s|\n#   want |%s|", #got, \
                   t_g ? t_g : "(null)", t_w ? t_w : "(null)");                   \
    } while (0)
#define T_DMSTR(got, want)                                                                       \
    do {                                                                                         \
        struct dm_str t_s = (got);                                                               \
        const char *t_w = (want);                                                                \
        if (!dm_str_is(t_s, t_w))                                                                \
            t_fail(__FILE__, __LINE__, "%s:\n#   got  |%.*s|\n#   want |%s|", #got, DM_FMT(t_s), \
                   t_w);                                                                         \
    } while (0)
/* The text contains the piece. */
#define T_HAS(text, piece)                                                                     \
    do {                                                                                       \
        const char *t_t = (text), *t_p = (piece);                                              \
        if (!strstr(t_t, t_p))                                                                 \
            t_fail(__FILE__, __LINE__, "%s:\n#   |%s|\n#   does not contain |%s|", #text, t_t, \
                   t_p);                                                                       \
    } while (0)
/* An expression that must succeed; `err` is the struct dm_err it was given. */
#define T_TRY(expr, err)                                                                        \
    do {                                                                                        \
        int t_rc = (expr);                                                                      \
        if (t_rc < 0) {                                                                         \
            t_fail(__FILE__, __LINE__, "%s: %s: %s", #expr, dm_code_name(t_rc), (err).message); \
            return;                                                                             \
        }                                                                                       \
    } while (0)
#define T_SKIP(reason)        \
    do {                      \
        t_skipped = (reason); \
        return;               \
    } while (0)

static inline int t_run(const struct t_case *cases, size_t n)
{
    int failed = 0;
    printf("1..%zu\n", n);
    for (size_t i = 0; i < n; i++) {
        t_failures = 0;
        t_skipped = NULL;
        cases[i].run();
        if (t_failures)
            failed++;
        printf("%sok %zu - %s%s%s\n", t_failures ? "not " : "", i + 1, cases[i].name,
               t_skipped ? " # SKIP " : "", t_skipped ? t_skipped : "");
        fflush(stdout);
    }
    return failed ? 1 : 0;
}

#define T_MAIN(...)                                            \
    int main(void)                                             \
    {                                                          \
        static const struct t_case cases[] = {__VA_ARGS__};    \
        return t_run(cases, sizeof(cases) / sizeof(cases[0])); \
    }

#endif
