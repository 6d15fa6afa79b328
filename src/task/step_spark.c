/*
 * spark-submit of a classification script, answered natively.
 *
 * Only for a script that is known by its digest (task/known_scripts.h); any other would have to run, and needs Spark.
 * As Spark's mode "overwrite" does, the output folder is replaced whole: it is written beside the cluster's files and
 * then exchanged with what was there, so that a reader sees the old folder or the new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/log.h"
#include "task/known_scripts.h"
#include "task/scratch.h"
#include "task/spark_args.h"
#include "task/step.h"
#include "task/text_error.h"
#include "text/classify.h"

enum { SCRIPT_MAX = 1 << 20, PART_DIGITS = 32 };

struct job {
    struct dm_step *step;
    struct dm_spark_args args;
    const struct dm_known_script *script;
    const char *input, *output; /* paths */
    const char *tmp;            /* the folder that becomes the output */
    const char *part;           /* name of the file in it */
    const char *rejects;        /* path of the reject file */
    uint64_t total;             /* bytes of the input as they lie there */
    struct dm_err progress_err;
};

/* ---- which script ---- */

static int read_script(struct job *j, struct dm_str *ret, struct dm_err *reterr)
{
    struct dm_arena *a = j->step->at.arena;
    struct dm_str name = dm_str_c(j->args.script);
    const char *path;
    if (!dm_str_starts(name, DM_STR("s3"))) {
        DM_TRY(dm_cluster_path(a, j->step->root, name, &path, reterr));
        return dm_file_read(a, path, SCRIPT_MAX, ret, reterr);
    }
    struct dm_object_name object;
    _cleanup_close_ int fd = -1;
    DM_TRY(dm_s3_url_parse(a, name, &object, reterr));
    DM_TRY(dm_lake_read_fd(j->step->lake, object, &fd, reterr));
    return dm_file_read(a, dm_arena_printf(a, "/proc/self/fd/%d", fd), SCRIPT_MAX, ret, reterr);
}

static int know_script(struct job *j, struct dm_err *reterr)
{
    struct dm_str text;
    char digest[DM_DIGEST_HEX];
    int rc = read_script(j, &text, reterr);
    if (rc < 0)
        return dm_err_wrap(reterr, "the script of spark-submit"), rc;
    DM_TRY(dm_script_digest(text, digest, reterr));
    j->script = dm_known_script(digest);
    if (j->script) {
        dm_log(DM_LOG_INFO, "%s is %s: answered natively", j->args.script, j->script->doc);
        return 0;
    }
    dm_err_set(reterr, DM_E_UNSUPPORTED,
               "%s is no script that this cluster can answer: it needs Spark", j->args.script);
    dm_err_detail(reterr,
                  "The native classifier stands in for two scripts, known by digest: the original "
                  "one and the one "
                  "that ships with Daymill.  This one has the SHA-256 %s.",
                  digest);
    dm_err_hint(
        reterr,
        "Run the step on a cluster with Spark, or put a known script there again (dags/…/spark/).");
    return DM_E_UNSUPPORTED;
}

/* ---- where from, where to ---- */

static int find_paths(struct job *j, struct dm_err *reterr)
{
    struct dm_step *step = j->step;
    struct dm_arena *a = step->at.arena;
    const char *const texts[] = {j->args.input, j->args.output};
    for (size_t i = 0; i < 2; i++) {
        if (strncmp(texts[i], "s3", 2) != 0 || !strstr(texts[i], "://"))
            continue;
        dm_err_set(reterr, DM_E_UNSUPPORTED,
                   "the embedded cluster classifies files of its own, not %s", texts[i]);
        dm_err_hint(reterr, "Copy them with a step of s3-dist-cp before, and the output after.");
        return DM_E_UNSUPPORTED;
    }
    DM_TRY(dm_cluster_path(a, step->root, dm_str_c(j->args.input), &j->input, reterr));
    DM_TRY(dm_cluster_path(a, step->root, dm_str_c(j->args.output), &j->output, reterr));
    if (!dm_exists(j->input)) {
        dm_err_set(reterr, DM_E_NOTFOUND, "there is no input %s on the cluster", j->args.input);
        dm_err_hint(reterr, "A step before this one must write it; it is %s.",
                    dm_project_relative(step->at.project, j->input));
        return DM_E_NOTFOUND;
    }
    if (dm_path_below(a, j->input, j->output) || dm_path_below(a, step->root, j->output))
        return dm_err_set(reterr, DM_E_INVALID, "the output %s would replace the input %s",
                          j->args.output, j->args.input);
    return 0;
}

/* The same for the same step of the same run, so that a rerun overwrites it; another for any other. */
static int name_part(struct job *j, struct dm_err *reterr)
{
    const struct dm_step_order *o = j->step->order;
    struct dm_digest d = {0};
    char hex[DM_DIGEST_HEX];
    DM_TRY(dm_digest_init(&d, reterr));
    dm_digest_add_str(&d, dm_str_c(o->dag_id));
    dm_digest_add_str(&d, dm_str_c(o->run_id));
    dm_digest_add(&d, &o->step_index, sizeof(o->step_index));
    dm_digest_hex(&d, hex);
    j->part = dm_arena_printf(j->step->at.arena, "part-00000-%.*s.parquet", PART_DIGITS, hex);
    return 0;
}

/* ---- the work ---- */

static uint64_t bytes_at(struct dm_arena *a, const char *path)
{
    struct stat st;
    const char *const *names;
    size_t n;
    uint64_t total = 0;
    if (stat(path, &st) < 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return (uint64_t)st.st_size;
    if (dm_list_dir(a, path, &names, &n, NULL) < 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (stat(dm_path_join(a, path, names[i]), &st) == 0 && S_ISREG(st.st_mode))
            total += (uint64_t)st.st_size;
    return total;
}

static int report_progress(void *arg, uint64_t bytes)
{
    struct job *j = arg;
    return dm_attempt_progress(&j->step->at, (int64_t)bytes, (int64_t)j->total, "bytes",
                               &j->progress_err);
}

static unsigned processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > DM_CLASSIFY_THREADS_MAX ? DM_CLASSIFY_THREADS_MAX : (unsigned)n;
}

static int classify_error(const struct job *j, const struct dm_text_err *err, struct dm_err *reterr)
{
    if (err->code == DM_TEXT_E_CANCELLED && j->progress_err.code) {
        if (reterr)
            *reterr = j->progress_err;
        return j->progress_err.code;
    }
    int code = dm_text_error(err, reterr);
    if (err->file[0])
        dm_err_at(reterr, dm_project_relative(j->step->at.project, err->file), (int)err->line, 0);
    if (err->code == DM_TEXT_E_REJECTED) {
        dm_err_hint(reterr,
                    "They are in %s, each with its line and reason; --conf "
                    "spark.daymill.max_rejected=N or N%% bears some.",
                    dm_project_relative(j->step->at.project, j->rejects));
    }
    return code;
}

static int report(struct job *j, const struct dm_classify_result *r, bool written,
                  struct dm_err *reterr)
{
    struct dm_attempt *at = &j->step->at;
    char note[160];
    snprintf(note, sizeof(note), "positive=%llu rejected=%llu invalid_utf8=%llu",
             (unsigned long long)r->positive, (unsigned long long)r->rejected,
             (unsigned long long)r->invalid_utf8);
    DM_TRY(dm_attempt_ledger(at, false, j->args.input, (int64_t)(r->rows + r->rejected),
                             (int64_t)r->bytes, (int64_t)r->files, NULL, reterr));
    if (!written)
        return 0;
    dm_log(DM_LOG_INFO, "classified %llu reviews: %s", (unsigned long long)r->rows, note);
    return dm_attempt_ledger(at, true, j->args.output, (int64_t)r->rows, (int64_t)r->output_bytes,
                             1, note, reterr);
}

static int write_part(struct job *j, int fd, struct dm_classify_result *r, struct dm_err *reterr)
{
    struct dm_classify_input input = {.path = j->input};
    struct dm_classify_options o = {
        .dialect = j->script->dialect == DM_SCRIPT_SPARK ? DM_CLASSIFY_SPARK : DM_CLASSIFY_RFC4180,
        .run_id = j->args.run_id,
        .threads = processors(),
        .reject_path = j->rejects,
        .write = dm_classify_write_fd,
        .write_arg = &fd,
        .progress = report_progress,
        .progress_arg = j,
    };
    struct dm_text_err err;
    if (j->args.max_rejected)
        DM_TRY(
            dm_text_max_rejected(j->args.max_rejected, "spark.daymill.max_rejected", &o, reterr));
    int rc = dm_classify(&input, 1, &o, r, &err);
    if (rc < 0) {
        if (rc == DM_TEXT_E_REJECTED)
            DM_TRY(report(j, r, false, reterr));
        return classify_error(j, &err, reterr);
    }
    if (fchmod(fd, 0444) < 0 || fsync(fd) < 0)
        return dm_err_errno(reterr, errno, "could not write %s", j->part);
    return 0;
}

/* Exchanges the finished folder with what lies at the output, and removes that. */
static int put_in_place(struct job *j, struct dm_err *reterr)
{
    struct dm_err err;
    int rc = dm_rename(j->tmp, j->output, &err);
    if (rc >= 0)
        return 0;
    if (dm_exists(j->output)) {
        if (renameat2(AT_FDCWD, j->tmp, AT_FDCWD, j->output, RENAME_EXCHANGE) == 0)
            return dm_remove_tree(j->tmp, reterr);
        /* A file system that cannot exchange. */
        DM_TRY(dm_remove_tree(j->output, reterr));
        rc = dm_rename(j->tmp, j->output, &err);
    }
    if (rc < 0)
        return dm_err_errno(reterr, err.sys_errno, "could not replace %s", j->args.output);
    return 0;
}

static int write_output(struct job *j, struct dm_err *reterr)
{
    struct dm_step *step = j->step;
    struct dm_arena *a = step->at.arena;
    struct dm_classify_result r = {0};
    const char *part = dm_path_join(a, j->tmp, j->part);
    struct dm_object_name object = dm_step_file(step, dm_path_join(a, j->output, j->part));
    DM_TRY(dm_attempt_intend(&step->at, &object, 1, reterr));
    DM_TRY(dm_remove_tree(j->tmp, reterr)); /* of an attempt that was killed */
    DM_TRY(dm_mkdirs(j->tmp, 0777, reterr));
    _cleanup_close_ int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not create %s", part);
    DM_TRY(write_part(j, fd, &r, reterr));
    DM_TRY(dm_file_write(dm_path_join(a, j->tmp, "_SUCCESS"), DM_STR(""), 0444, reterr));
    DM_TRY(put_in_place(j, reterr));
    dm_attempt_wrote(&step->at, object, r.output_bytes);
    return report(j, &r, true, reterr);
}

int dm_step_spark(struct dm_step *step, struct dm_err *reterr)
{
    struct dm_arena *a = step->at.arena;
    const struct dm_step_order *o = step->order;
    struct job j = {.step = step};
    const char *scratch = dm_scratch_path(a, step->at.project, o->dag_id, o->run_id);
    DM_TRY(dm_spark_args_parse(step->argv, &j.args, reterr));
    DM_TRY(know_script(&j, reterr));
    DM_TRY(find_paths(&j, reterr));
    DM_TRY(name_part(&j, reterr));
    DM_TRY(dm_mkdirs(scratch, 0777, reterr));
    j.rejects = dm_arena_printf(a, "%s/rejected-step-%d.csv", scratch, o->step_index + 1);
    j.tmp = dm_arena_printf(a, "%s/.tmp/%s", step->at.project->cluster_dir,
                            dm_path_component(a, o->step_id));
    j.total = bytes_at(a, j.input);
    int rc = write_output(&j, reterr);
    if (rc < 0) {
        int ignored = dm_remove_tree(j.tmp, NULL); /* the next attempt removes it too */
        (void)ignored;
    }
    return rc;
}
