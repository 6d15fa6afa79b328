/*
 * main() of a fuzz target without libFuzzer:
 *   fuzz-NAME FILE|FOLDER…                         takes every file through the target; speaks TAP
 *   fuzz-NAME --mutate SECONDS [--seed N] [--dict FILE] [--out FILE] FILE|FOLDER…
 */
#include <signal.h>
#include <sys/time.h>

#include "base/file.h"
#include "driver.h"
#include "fuzz.h"

static _Noreturn void too_slow(int sig)
{
    static const char text[] = "an input took too long: more than 10 s of processor time\n";
    ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);
    abort();
    (void)n;
}

void fuzz_run(struct dm_str input)
{
    static const struct itimerval limit = {.it_value.tv_sec = FUZZ_CPU_SECONDS}, none;
    uint8_t *copy = dm_malloc(input.len ? input.len : 1);
    if (input.len)
        memcpy(copy, input.p, input.len);
    setitimer(ITIMER_PROF, &limit, NULL);
    LLVMFuzzerTestOneInput(copy, input.len);
    setitimer(ITIMER_PROF, &none, NULL);
    free(copy);
}

static int add_file(struct dm_arena *a, struct fuzz_corpus *c, const char *path,
                    struct dm_err *reterr)
{
    if (c->n == c->cap) {
        c->cap = c->cap * 2 + 64;
        c->paths = dm_realloc(c->paths, c->cap * sizeof(*c->paths));
        c->inputs = dm_realloc(c->inputs, c->cap * sizeof(*c->inputs));
    }
    DM_TRY(dm_file_read(a, path, DM_BUF_TEXT, &c->inputs[c->n], reterr));
    c->paths[c->n++] = path;
    return 0;
}

static int add_path(struct dm_arena *a, struct fuzz_corpus *c, const char *path,
                    struct dm_err *reterr)
{
    const char *const *names;
    size_t n;
    if (!dm_is_dir(path))
        return add_file(a, c, path, reterr);
    DM_TRY(dm_list_dir(a, path, &names, &n, reterr));
    for (size_t i = 0; i < n; i++)
        DM_TRY(add_file(a, c, dm_path_join(a, path, names[i]), reterr));
    return 0;
}

static int replay(const struct fuzz_corpus *c)
{
    printf("1..%zu\n", c->n);
    for (size_t i = 0; i < c->n; i++) {
        printf("# %s\n", c->paths[i]); /* the last line where the target dies of it */
        fflush(stdout);
        fuzz_run(c->inputs[i]);
        printf("ok %zu - %s\n", i + 1, dm_path_base(c->paths[i]));
    }
    return 0;
}

static int usage(void)
{
    fputs(
        "usage: fuzz-NAME [--mutate SECONDS [--seed N] [--dict FILE] [--out FILE]] FILE|FOLDER…\n",
        stderr);
    return 2;
}

int main(int argc, char **argv)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct fuzz_corpus c = {0};
    struct dm_err err;
    struct dm_str dictionary = {"", 0};
    const char *out = "finding", *dict = NULL;
    int64_t seconds = 0, seed = 1;
    int i = 1, rc = 0;
    signal(SIGPROF, too_slow);
    for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        if (strcmp(argv[i], "--out") == 0)
            out = argv[i + 1];
        else if (strcmp(argv[i], "--dict") == 0)
            dict = argv[i + 1];
        else if (!(strcmp(argv[i], "--mutate") == 0 &&
                   dm_str_to_i64(dm_str_c(argv[i + 1]), &seconds)) &&
                 !(strcmp(argv[i], "--seed") == 0 && dm_str_to_i64(dm_str_c(argv[i + 1]), &seed)))
            return usage();
    }
    if (i >= argc || argv[i][0] == '-')
        return usage();
    if (dict)
        rc = dm_file_read(&a, dict, DM_BUF_TEXT, &dictionary, &err);
    for (; rc == 0 && i < argc; i++)
        rc = add_path(&a, &c, argv[i], &err);
    if (rc == 0 && c.n == 0)
        rc = dm_err_set(&err, DM_E_NOTFOUND, "no input in %s", argv[argc - 1]);
    if (rc < 0)
        fprintf(stderr, "%s\n", err.message);
    else if (seconds)
        rc = fuzz_mutate(&c, dictionary, (uint64_t)seed, seconds, out);
    else
        rc = replay(&c);
    free(c.paths);
    free(c.inputs);
    return rc < 0 ? 1 : rc;
}
