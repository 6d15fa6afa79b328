/* daymill init: writes a project that runs. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dl.h"
#include "base/embed.h"
#include "cmd/datagen.h"
#include "cmd/print.h"
#include "cmd/setup.h"

extern const struct dm_embedded dm_project_files[]; /* made from project/ and dags/ by the build */

static const struct dm_option options[] = {
    {"purchases", 0, DM_OPTION_TEXT, "FILE", NULL,
     "copy this file to data/OnlineRetail.csv instead of making one up"},
    {"reviews", 0, DM_OPTION_TEXT, "FILE", NULL,
     "copy this file to data/movie_review.csv instead of making one up"},
    {"scale", 0, DM_OPTION_TEXT, "S", NULL,
     "size of what is made up: 1 = as large as the real files (default 0.1)"},
    {NULL},
};

/* Writes a file unless one is there. */
static int write_file(struct dm_arena *a, const char *dir, const struct dm_embedded *f,
                      struct dm_err *reterr)
{
    const char *path = dm_path_join(a, dir, f->name);
    if (dm_exists(path))
        return 0;
    DM_TRY(dm_mkdirs_for(path, reterr));
    return dm_file_write(path, dm_str_n(f->bytes, f->size), 0644, reterr);
}

static bool same_bytes(int a, int b)
{
    char left[1 << 16], right[1 << 16];
    for (off_t at = 0;;) {
        ssize_t n = pread(a, left, sizeof(left), at), m = pread(b, right, sizeof(right), at);
        if (n != m || n < 0 || memcmp(left, right, (size_t)n) != 0)
            return false;
        if (n == 0)
            return true;
        at += n;
    }
}

/* What is loaded stays loaded: a table with rows of one file is not given those of another behind its owner's back. */
static int refuse_if_loaded(struct dm_arena *a, const char *dir, const char *to,
                            struct dm_err *reterr)
{
    const char *stamp = dm_setup_stamp(a, dm_path_join(a, dir, "state"), to);
    if (!dm_exists(stamp))
        return 0;
    dm_err_set(reterr, DM_E_EXISTS, "%s holds another file, and its rows are loaded", to);
    return dm_err_hint(reterr,
                       "Take another folder; or copy the file there yourself, and \"daymill -C %s "
                       "setup --recreate\" empties the tables and loads it.",
                       dir);
}

/* Copies a file with its time of change; one that was copied before and has not changed since is left alone. */
static int copy_file(const char *dir, const char *from, const char *to, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_pending_ struct dm_pending_file out = {.fd = -1};
    _cleanup_close_ int fd = open(from, O_RDONLY | O_CLOEXEC);
    struct stat source, there;
    if (fd < 0 || fstat(fd, &source) < 0)
        return dm_err_errno(reterr, errno, "could not read %s", from);
    if (stat(to, &there) == 0 && there.st_size == source.st_size &&
        there.st_mtim.tv_sec == source.st_mtim.tv_sec &&
        there.st_mtim.tv_nsec == source.st_mtim.tv_nsec)
        return 0;
    _cleanup_close_ int old = open(to, O_RDONLY | O_CLOEXEC);
    if (old >= 0) {
        if (same_bytes(fd, old))
            return 0;
        DM_TRY(refuse_if_loaded(&a, dir, to, reterr));
    }
    DM_TRY(dm_file_begin(&out, dm_path_dir(&a, to), reterr));
    for (;;) {
        ssize_t n = copy_file_range(fd, NULL, out.fd, NULL, (size_t)1 << 30, 0);
        if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP)) {
            char buf[1 << 16];
            n = read(fd, buf, sizeof(buf));
            if (n > 0)
                DM_TRY(dm_write_all(out.fd, buf, (size_t)n, reterr));
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dm_err_errno(reterr, errno, "could not copy %s", from);
        if (n == 0)
            break;
    }
    const struct timespec times[2] = {source.st_atim, source.st_mtim};
    if (futimens(out.fd, times) < 0)
        return dm_err_errno(reterr, errno, "could not copy %s", from);
    return dm_file_commit(&out, to, 0644, reterr);
}

/* A file of data/: the given one, what is there already, or one that is made up. */
static int provide(struct dm_args *args, const char *dir, const char *given, const char *path,
                   const struct dm_datagen *d,
                   int (*make)(const struct dm_datagen *, const char *, int64_t *, struct dm_err *),
                   struct dm_err *reterr)
{
    int64_t rows;
    if (given)
        return copy_file(dir, given, path, reterr);
    if (dm_exists(path))
        return 0;
    DM_TRY(make(d, path, &rows, reterr));
    if (!args->quiet)
        printf("made up %s: %lld rows (daymill datagen makes more)\n", dm_path_base(path),
               (long long)rows);
    return 0;
}

/* The word that starts this program in the shell that it was started from. */
static const char *own_name(struct dm_arena *a)
{
    struct dm_str rest = dm_str_c(getenv("PATH")), dir;
    struct stat self, there;
    if (stat(dm_program_path(), &self) < 0)
        return "daymill";
    while (rest.len && dm_str_split(&rest, ':', &dir)) {
        const char *path = dm_path_join(a, dm_str_cstr(a, dir), "daymill");
        if (dir.len && stat(path, &there) == 0)
            return there.st_ino == self.st_ino && there.st_dev == self.st_dev ? "daymill"
                                                                              : dm_program_path();
    }
    return dm_program_path();
}

/* A word as a shell takes it. */
static const char *quoted(struct dm_arena *a, const char *word)
{
    struct dm_strbuf b;
    if (!strpbrk(word, " \t\n'\"$&|;<>()*?[]#~`\\!{}"))
        return word;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_strbuf_addc(&b, '\'');
    for (; *word; word++)
        dm_strbuf_adds(&b, *word == '\'' ? "'\\''" : (char[]){*word, '\0'});
    dm_strbuf_addc(&b, '\'');
    word = dm_arena_strdup(a, b.p);
    dm_strbuf_release(&b);
    return word;
}

static void say_what_to_try(struct dm_arena *a, const char *dir)
{
    const char *daymill = quoted(a, own_name(a));
    printf("%s is a project; its README.md says what lies where.  Try:\n"
           "  cd %s\n"
           "  %s backfill user_behaviour --from 2010-12-01 --to 2010-12-10\n"
           "  %s runs show user_behaviour 2010-12-05\n"
           "  %s sql \"select * from public.user_behavior_metric order by amount_spent desc limit "
           "10\"\n",
           dir, quoted(a, dir), daymill, daymill, daymill);
}

static int run(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_arena *a = args->arena;
    const char *dir = args->v[0];
    struct dm_datagen d = {.seed = 1};
    struct dm_project project;
    DM_TRY(dm_datagen_scale(dm_option_text(args, "scale", "0.1"), &d.permille, reterr));
    DM_TRY(dm_mkdirs(dm_path_join(a, dir, "data"), 0777, reterr));
    for (const struct dm_embedded *f = dm_project_files; f->name; f++)
        DM_TRY(write_file(a, dir, f, reterr));
    DM_TRY(provide(args, dir, dm_option_text(args, "purchases", NULL),
                   dm_path_join(a, dir, "data/OnlineRetail.csv"), &d, dm_datagen_purchases,
                   reterr));
    DM_TRY(provide(args, dir, dm_option_text(args, "reviews", NULL),
                   dm_path_join(a, dir, "data/movie_review.csv"), &d, dm_datagen_reviews, reterr));
    DM_TRY(dm_project_open(&project, dir, reterr));
    struct dm_setup s = {.quiet = true};
    int rc = dm_setup_project(&project, &s, reterr);
    dm_project_release(&project);
    DM_TRY(rc);
    if (!args->quiet)
        say_what_to_try(a, dir);
    return 0;
}

const struct dm_cmd dm_cmd_init = {
    .name = "init",
    .synopsis = "DIR",
    .doc = "write a project that runs: DAG, connections, sample data, tables",
    .more =
        "Files that are there already are kept, and tables that have rows.\n  daymill init shop",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .no_project = true,
    .run = run,
};
