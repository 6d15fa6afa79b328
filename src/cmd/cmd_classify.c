/* daymill classify: reviews in CSV -> Parquet, by hand. */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/time.h"
#include "cmd/print.h"
#include "task/text_error.h"
#include "text/classify.h"

static const struct dm_option options[] = {
    {"output", 'o', DM_OPTION_TEXT, "OUT.parquet", NULL,
     "the file to write; made whole or not at all"},
    {"dialect", 0, DM_OPTION_CHOICE, NULL, "rfc4180|spark",
     "how the CSV is read (default: rfc4180)"},
    {"run-id", 0, DM_OPTION_TEXT, "ID", NULL,
     "the text of the column insert_date (default: empty)"},
    {"max-rejected", 0, DM_OPTION_TEXT, "N|N%", NULL,
     "how many rejected records are borne (default: 0)"},
    {"rejects", 0, DM_OPTION_TEXT, "FILE", NULL,
     "where rejected records go (default: OUT.parquet.rejects.csv)"},
    {"threads", 0, DM_OPTION_INT, "N", NULL,
     "threads that share one file (default: all processors)"},
    {NULL},
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
    interrupted = 1;
}

struct job {
    struct dm_pending_file file;
    struct dm_progress progress;
};

static int write_out(void *arg, const void *p, size_t n)
{
    struct job *j = arg;
    struct dm_err err;
    if (dm_file_append(&j->file, p, n, &err) < 0)
        return err.sys_errno ? -err.sys_errno : -EIO;
    return 0;
}

static int on_progress(void *arg, uint64_t bytes)
{
    struct job *j = arg;
    dm_progress_set(&j->progress, (int64_t)bytes);
    return interrupted ? -1 : 0;
}

/* The bytes of the files that are given by name, for the progress bar. */
static int64_t total_bytes(const struct dm_args *args)
{
    int64_t sum = 0;
    for (int i = 0; i < args->n; i++) {
        struct stat st;
        if (stat(args->v[i], &st) < 0 || !S_ISREG(st.st_mode))
            return 0;
        sum += st.st_size;
    }
    return sum;
}

static void print_result(struct dm_args *args, const struct dm_classify_result *r, int64_t took)
{
    double seconds = (double)took / DM_SEC;
    if (args->json)
        printf("{\"rows\": %llu, \"positive\": %llu, \"rejected\": %llu, \"bytes\": %llu, "
               "\"seconds\": %.6f, \"files\": %llu, \"invalid_utf8\": %llu, \"null_cids\": %llu}\n",
               (unsigned long long)r->rows, (unsigned long long)r->positive,
               (unsigned long long)r->rejected, (unsigned long long)r->bytes, seconds,
               (unsigned long long)r->files, (unsigned long long)r->invalid_utf8,
               (unsigned long long)r->null_cids);
    else if (!args->quiet)
        printf("%llu reviews, %llu positive, %llu rejected, %.1f MB in %.3f s\n",
               (unsigned long long)r->rows, (unsigned long long)r->positive,
               (unsigned long long)r->rejected, (double)r->bytes / 1e6, seconds);
}

static int classify(struct dm_args *args, struct job *job, const char *output,
                    struct dm_err *reterr)
{
    struct dm_classify_options o = {
        .run_id = dm_option_text(args, "run-id", ""),
        .threads = (unsigned)dm_option_int(args, "threads", sysconf(_SC_NPROCESSORS_ONLN)),
        .reject_path =
            dm_option_text(args, "rejects", dm_arena_printf(args->arena, "%s.rejects.csv", output)),
        .write = write_out,
        .write_arg = job,
        .progress = on_progress,
        .progress_arg = job,
    };
    if (o.threads > DM_CLASSIFY_THREADS_MAX)
        o.threads = DM_CLASSIFY_THREADS_MAX;
    if (strcmp(dm_option_text(args, "dialect", "rfc4180"), "spark") == 0)
        o.dialect = DM_CLASSIFY_SPARK;
    DM_TRY(dm_text_max_rejected(dm_option_text(args, "max-rejected", "0"), "--max-rejected", &o,
                                reterr));
    size_t n = args->n ? (size_t)args->n : 1;
    struct dm_classify_input *inputs = dm_arena_array(args->arena, struct dm_classify_input, n);
    for (size_t i = 0; i < n; i++) {
        inputs[i].path = args->n ? args->v[i] : "-";
        if (strcmp(inputs[i].path, "-") == 0)
            inputs[i] =
                (struct dm_classify_input){.path = "standard input", .is_fd = true, .fd = 0};
    }
    struct dm_classify_result r = {0};
    struct dm_text_err err;
    int64_t from = dm_clock_monotonic();
    dm_progress_begin(&job->progress, args, "classifying", "bytes", total_bytes(args));
    int rc = dm_classify(inputs, n, &o, &r, &err);
    dm_progress_end(&job->progress);
    if (rc == DM_TEXT_E_REJECTED) {
        dm_text_error(&err, reterr);
        return dm_err_hint(
            reterr, "The records are in %s, with line and reason; --max-rejected bears some.",
            o.reject_path);
    }
    if (rc < 0)
        return dm_text_error(&err, reterr);
    DM_TRY(dm_file_commit(&job->file, output, 0644, reterr));
    print_result(args, &r, dm_clock_monotonic() - from);
    return 0;
}

static int run(struct dm_args *args, struct dm_err *reterr)
{
    struct job job = {.file = {.fd = -1}};
    const char *output = dm_option_text(args, "output", NULL);
    if (!output) {
        dm_err_set(reterr, DM_E_USAGE, "where to? --output OUT.parquet is missing");
        return dm_err_hint(reterr, "For example: daymill classify reviews.csv -o reviews.parquet");
    }
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    DM_TRY(dm_file_begin(&job.file, dm_path_dir(args->arena, output), reterr));
    int rc = classify(args, &job, output, reterr);
    dm_file_release(&job.file);
    return rc;
}

const struct dm_cmd dm_cmd_classify = {
    .name = "classify",
    .synopsis = "[INPUT…]",
    .doc = "classify reviews (files, folders, or standard input) into a Parquet file",
    .more = "INPUT is CSV with the columns cid and review_str.\n"
            "  daymill classify data/movie_review.csv -o reviews.parquet --run-id 2010-12-01",
    .max_args = -1,
    .options = options,
    .no_project = true,
    .run = run,
};
