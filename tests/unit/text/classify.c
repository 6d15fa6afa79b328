/* text/classify.h: threads, builds, folders, Parquet, and the real file. */
#include "classify.h"

#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>

static uint64_t seed = 88172645463325252;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* A few megabytes, now and then with a quote or line end too many. */
static struct dm_text_bytes random_file(void)
{
    static const char *const pieces[] = {"good ", "\"\"good\"\" ", "film, ", "a ", "\xC3\xA9 ",
                                         "\n",    "plain words ",  "Good"};
    struct dm_text_bytes b = {0};
    char text[64];
    dm_text_bytes_add(&b, "cid,review_str\n", 15);
    for (int row = 0; b.len < (3 << 20); row++) {
        int n = snprintf(text, sizeof(text), "%d,\"a", row % 5000);
        dm_text_bytes_add(&b, text, (size_t)n);
        for (uint64_t k = next_random() % 40; k; k--) {
            const char *piece = pieces[next_random() % 8];
            dm_text_bytes_add(&b, piece, strlen(piece));
        }
        dm_text_bytes_add(&b, "\"\"\n", next_random() % 997 ? 2 : 3);
        if (b.p[b.len - 1] != '\n')
            b.p[b.len - 1] = '\n', b.p[b.len - 2] = '"';
    }
    return b;
}

static void threads_and_builds_give_the_same_bytes(void)
{
    for (int dialect = 0; dialect < 2; dialect++) {
        struct dm_text_bytes b = random_file();
        for (size_t i = 15; dialect && i < b.len; i++) /* spark: no line breaks inside quotes */
            if (b.p[i] == '\n' && b.p[i - 1] != '"')
                b.p[i] = ' ';
        struct dm_classify_options o = {.dialect =
                                            dialect ? DM_CLASSIFY_SPARK : DM_CLASSIFY_RFC4180,
                                        .max_rejected = UINT32_MAX};
        struct outcome first = classify_bytes(b.p, b.len, o);
        T_INT(first.rc, 0);
        for (unsigned i = 0; i < 4; i++) {
            o.threads = i;
            o.portable = i & 1;
            struct outcome again = classify_bytes(b.p, b.len, o);
            T_INT(again.rc, 0);
            T_OK(again.file.len == first.file.len &&
                 memcmp(again.file.p, first.file.p, first.file.len) == 0);
            T_INT(again.result.rejected, first.result.rejected);
            outcome_release(&again);
        }
        outcome_release(&first);
        dm_text_bytes_release(&b);
    }
}

static void *write_slowly(void *arg)
{
    static const char text[] = "cid,review_str\n1,\"so\ngood\"\n2,bad\n";
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        if (write(*(int *)arg, text + i, 1) != 1)
            break;
    close(*(int *)arg);
    return NULL;
}

static void a_pipe_is_read_to_its_end(void)
{
    int ends[2];
    pthread_t writer;
    T_INT(pipe2(ends, O_CLOEXEC), 0);
    T_INT(pthread_create(&writer, NULL, write_slowly, &ends[1]), 0);
    struct dm_classify_options o = {.threads = 2};
    struct outcome r = classify_input((struct dm_classify_input){.is_fd = true, .fd = ends[0]}, o);
    T_STR(shown(&r), "1+ 2-");
    outcome_release(&r);
    pthread_join(writer, NULL);
    close(ends[0]);
}

static void a_folder_is_its_visible_files(void)
{
    static const char *const names[] = {"b.csv",    "a.csv",     ".hidden",
                                        "_SUCCESS", "sub/c.csv", "e.csv"};
    char dir[] = "/tmp/dm-folder-XXXXXX";
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    T_OK(mkdtemp(dir));
    for (size_t i = 0; i < 6; i++) {
        const char *path = dm_path_join(&a, dir, names[i]);
        struct dm_str text =
            dm_str_printf(&a, "cid,review_str\n%zu,good\n%s", i, i ? "" : "9,longer\n");
        T_TRY(dm_mkdirs_for(path, &err), err);
        T_TRY(dm_file_write(path, i == 5 ? DM_STR("") : text, 0644, &err), err);
    }
    struct dm_classify_options o = {0};
    struct dm_classify_input in = {.path = dir};
    struct outcome r = classify_input(in, o);
    T_STR(shown(&r), "1+ 0+ 9-"); /* by name */
    outcome_release(&r);
    o.dialect = DM_CLASSIFY_SPARK;
    r = classify_input(in, o);
    T_STR(shown(&r), "0+ 9- 1+"); /* the largest first */
    outcome_release(&r);
    T_TRY(dm_remove_tree(dir, &err), err);
}

static void the_spark_dialect_reads_as_spark(void)
{
    const struct dm_classify_options spark = {.dialect = DM_CLASSIFY_SPARK};
    T_STR(classified("cid,review_str\n1,\"a \"\"good\"\", good\"\n2,\"\\\"q\\\" good\"\n", spark),
          "1- 2+");
    T_STR(classified("\n \ncid,review_str\n\n\xFF,good\n,x\n", spark), "\xEF\xBF\xBD+ NULL-");
    T_HAS(classified("cid,review_str\n1,good\n\n2,\"a\nb\"\n", spark), "NULL_REVIEW at 5");
    T_HAS(classified("cid,REVIEW_STR\n1,good\n", spark), "no column \"review_str\"");
}

static void the_parquet_file_keeps_order_nulls_and_every_row_group(void)
{
    struct dm_text_bytes b = {0};
    char text[64];
    enum { ROWS = DM_PARQUET_ROWS_MAX + 1000 };
    dm_text_bytes_add(&b, "cid,review_str\n", 15);
    for (int i = 0; i < ROWS; i++) {
        int n = snprintf(text, sizeof(text), "%.*s%d,%s\n", i % 7 ? 1 : 0, "c", i,
                         i % 3 ? "x" : "good");
        dm_text_bytes_add(&b, i % 11 ? text : "", i % 11 ? (size_t)n : 0);
        dm_text_bytes_add(&b, ",good\n", i % 11 ? 0 : 6);
    }
    struct dm_classify_options o = {0};
    struct outcome r = classify_bytes(b.p, b.len, o);
    T_INT(r.rc, 0);
    T_INT(r.parquet.n, ROWS);
    T_INT(r.parquet.groups, 2);
    T_STR(r.parquet.insert_date, "2010-12-01");
    T_STR(r.parquet.created_by, "daymill");
    for (int i = 0; i < ROWS && r.parquet.n == ROWS; i++) {
        const struct parquet_row *row = &r.parquet.rows[i];
        int n = snprintf(text, sizeof(text), "%.*s%d", i % 7 ? 1 : 0, "c", i);
        bool same = i % 11
                        ? row->has_cid && row->positive == !(i % 3) && row->cid_len == (size_t)n &&
                              memcmp(row->cid, text, row->cid_len) == 0
                        : !row->has_cid && row->positive;
        if (!same)
            t_fail(__FILE__, __LINE__, "row %d differs", i);
    }
    outcome_release(&r);
    dm_text_bytes_release(&b);
    T_STR(classified("cid,review_str\n", o), "");
}

static int stop(void *arg, uint64_t bytes)
{
    return -1;
}

static int disk_full(void *arg, const void *p, size_t n)
{
    return -28;
}

static void callers_can_stop_it_and_hear_of_failures(void)
{
    struct dm_classify_options o = {.progress = stop};
    T_HAS(classified("cid,review_str\n1,a\n", o), "CANCELLED");
    struct dm_classify_options full = {.run_id = "x", .write = disk_full};
    struct dm_classify_input in = {.path = "/dev/null"};
    struct dm_classify_result result;
    struct dm_text_err err;
    T_INT(dm_classify(&in, 1, &full, &result, &err), DM_TEXT_E_NO_INPUT);
    in.path = "/nowhere.csv";
    T_INT(dm_classify(&in, 1, &full, &result, &err), DM_TEXT_E_IO);
    T_HAS(err.message, "could not open \"/nowhere.csv\"");
}

/* The file is compressed with zstd, as data for tests is kept: the tool of that name unpacks it into a pipe. */
static void the_real_file_has_the_known_answers(void)
{
    static const char *const argv[] = {"zstd", "-dcq", "../shared/data/movie_review.csv.zst", NULL};
    static const uint64_t positive[] = {32436, 23545};
    if (access(argv[2], R_OK) < 0)
        T_SKIP("no ../shared/data");
    for (int dialect = 0; dialect < 2; dialect++) {
        int ends[2];
        pid_t pid;
        T_INT(pipe2(ends, O_CLOEXEC), 0);
        posix_spawn_file_actions_t fa;
        posix_spawn_file_actions_init(&fa);
        posix_spawn_file_actions_adddup2(&fa, ends[1], 1);
        int rc = posix_spawnp(&pid, argv[0], &fa, NULL, (char *const *)argv, environ);
        posix_spawn_file_actions_destroy(&fa);
        close(ends[1]);
        if (rc)
            close(ends[0]);
        if (rc)
            T_SKIP("no zstd");
        struct dm_classify_options o = {
            .dialect = dialect ? DM_CLASSIFY_SPARK : DM_CLASSIFY_RFC4180, .threads = 2};
        struct outcome r =
            classify_input((struct dm_classify_input){.is_fd = true, .fd = ends[0]}, o);
        close(ends[0]);
        waitpid(pid, NULL, 0);
        T_INT(r.rc, 0);
        T_INT(r.result.rows, 100000);
        T_INT(r.result.positive, positive[dialect]);
        T_INT(r.result.rejected, 0);
        outcome_release(&r);
    }
}

T_MAIN(T_CASE(threads_and_builds_give_the_same_bytes), T_CASE(a_pipe_is_read_to_its_end),
       T_CASE(a_folder_is_its_visible_files), T_CASE(the_spark_dialect_reads_as_spark),
       T_CASE(the_parquet_file_keeps_order_nulls_and_every_row_group),
       T_CASE(callers_can_stop_it_and_hear_of_failures),
       T_CASE(the_real_file_has_the_known_answers))
