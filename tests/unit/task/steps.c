/* step-run: steps of the embedded cluster, each in a process of its own. */
#include <signal.h>
#include <sys/stat.h>

#include "child.h"
#include "conn/cluster.h"
#include "unit/conn/scratch_project.h"

struct world {
    struct scratch s;
    struct dm_arena a;
    struct dm_lake *lake;
    struct dm_err err;
    struct child_run run;
    struct dm_value *earlier;
};

static void world_close(struct world *w)
{
    dm_arena_release(&w->a);
    scratch_close(&w->s);
}
#define _cleanup_world_ DM_CLEANUP(world_close)

static int world_open(struct world *w)
{
    struct dm_connection c;
    *w = (struct world){0};
    DM_TRY(scratch_open(&w->s, "", "lake: {conn_type: local_lake}\n", &w->err));
    DM_TRY(dm_conn_find(&w->a, &w->s.project, DM_STR("lake"), &c, &w->err));
    DM_TRY(dm_lake_open(&w->a, &w->s.project, &c, &w->lake, &w->err));
    return dm_mkdirs(w->s.project.logs_dir, 0777, &w->err);
}

static const char *path(struct world *w, const char *name)
{
    return dm_path_join(&w->a, w->s.dir, name);
}

static int put(struct world *w, const char *key, struct dm_str text)
{
    struct dm_lake_write write;
    DM_TRY(dm_lake_begin(w->lake, (struct dm_object_name){"b", key}, &write, &w->err));
    int rc = dm_lake_append(&write, text.p, text.len, &w->err);
    if (rc == 0)
        rc = dm_lake_commit(&write, &w->err);
    dm_lake_write_release(&write);
    return rc;
}

static int start(struct world *w, const char *jar, const char *const *args, struct dm_child *child)
{
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    struct dm_value *list = dm_value_list(&w->a, 0);
    for (; *args; args++)
        dm_list_add(&w->a, list, dm_value_cstr(&w->a, *args));
    struct dm_step_order o = {.project_dir = w->s.dir,
                              .step_id = "s-1",
                              .cluster_id = "j-1",
                              .name = "a step",
                              .jar = jar,
                              .args = list,
                              .dag_id = "d",
                              .run_id = "manual__1",
                              .earlier_objects = w->earlier};
    dm_strbuf_init(&b, DM_BUF_FRAME);
    DM_TRY(dm_step_order_encode(&b, &o, &w->err));
    return child_start("step-run", dm_strbuf_str(&b), path(w, "logs/step.log"), child, &w->err);
}

static int run(struct world *w, const char *const *args)
{
    struct dm_child child;
    DM_TRY(start(w, "command-runner.jar", args, &child));
    DM_TRY(child_finish(&w->a, &child, &w->run, &w->err));
    return w->run.has_result && w->run.exit_status == 0
               ? 0
               : dm_err_set(&w->err, DM_E_FAILED, "no result, exit status %d", w->run.exit_status);
}

#define RUN(w, ...) run((w), (const char *const[]){__VA_ARGS__, NULL})
#define T_SUCCESS(w)                                                          \
    do {                                                                      \
        if ((w).run.result.state != DM_RESULT_SUCCESS)                        \
            t_fail(__FILE__, __LINE__, "%s %s", (w).run.result.error.message, \
                   (w).run.result.error.detail);                              \
    } while (0)
#define T_FAILED(w, code_, piece)                              \
    do {                                                       \
        T_INT((w).run.result.state, DM_RESULT_FAILED);         \
        T_STR(dm_code_name((w).run.result.error.code), code_); \
        T_HAS((w).run.result.error.message, piece);            \
    } while (0)

static void distcp_copies_a_folder_there_and_back(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    T_TRY(put(&w, "raw/d/movie.csv", DM_STR("reviews")), w.err);
    T_TRY(put(&w, "raw/d/sub/more.csv", DM_STR("x")), w.err);
    T_TRY(put(&w, "raw/dx/other.csv", DM_STR("y")), w.err);
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/raw/d/", "--dest=/movie/d"), w.err);
    T_SUCCESS(w);
    T_OK(dm_exists(path(&w, "cluster/j-1/movie/d/movie.csv")));
    T_OK(dm_exists(path(&w, "cluster/j-1/movie/d/sub/more.csv")));
    T_OK(!dm_exists(path(&w, "cluster/j-1/movie/dx")));
    T_INT(w.run.result.objects->list.n, 2);
    const struct dm_value *o = w.run.result.objects->list.items[0];
    T_DMSTR(dm_map_str(o, "bucket", "?"), "");
    T_DMSTR(dm_map_str(o, "key", "?"), "cluster/j-1/movie/d/movie.csv");
    T_INT(w.run.intents->list.n, 1);
    T_INT(w.run.ledgers->list.n, 2);
    T_INT(dm_map_int(w.run.ledgers->list.items[1], "bytes", -1), 8);
    T_TRY(RUN(&w, "s3-dist-cp", "--src", "hdfs:///movie", "--dest", "s3://b/stage", "--srcPattern",
              ".*/movie\\.csv"),
          w.err);
    T_SUCCESS(w);
    T_INT(w.run.result.objects->list.n, 1);
    T_OK(dm_exists(path(&w, "lake/b/stage/d/movie.csv")));
    T_OK(!dm_exists(path(&w, "lake/b/stage/d/sub")));
    struct stat st;
    T_INT(stat(path(&w, "lake/b/stage/d/movie.csv"), &st), 0);
    T_INT(st.st_nlink, 3);
}

static void distcp_says_what_it_cannot_do(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    T_TRY(put(&w, "raw/d/movie.csv", DM_STR("reviews")), w.err);
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/raw", "--dest=/m", "--groupBy=x"), w.err);
    T_FAILED(w, "UNSUPPORTED", "--groupBy");
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/raw", "--dest=/m", "--gruopBy=x"), w.err);
    T_FAILED(w, "USAGE", "--gruopBy");
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/raw"), w.err);
    T_FAILED(w, "USAGE", "--dest is missing");
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/row", "--dest=/m"), w.err);
    T_FAILED(w, "NOTFOUND", "s3://b/row");
    T_HAS(w.run.result.error.detail, "raw");
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/raw/d/movie.csv", "--dest=/m"), w.err);
    T_FAILED(w, "INVALID", "one object");
    T_TRY(RUN(&w, "s3-dist-cp", "--src=/nothing", "--dest=s3://b/x"), w.err);
    T_FAILED(w, "NOTFOUND", "/nothing");
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/raw", "--dest=/../../../etc"), w.err);
    T_FAILED(w, "PERMISSION", "leaves the cluster");
}

static void a_step_started_again_leaves_nothing_of_its_first_output(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    T_TRY(put(&w, "raw/1.csv", DM_STR("1")), w.err);
    T_TRY(put(&w, "raw/2.csv", DM_STR("2")), w.err);
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/raw", "--dest=/m"), w.err);
    T_TRY(dm_lake_delete(w.lake, (struct dm_object_name){"b", "raw/1.csv"}, &w.err), w.err);
    w.earlier = dm_value_list(&w.a, 0);
    for (size_t i = 0; i < w.run.result.objects->list.n; i++)
        dm_list_add(&w.a, w.earlier, w.run.result.objects->list.items[i]);
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/raw", "--dest=/m"), w.err);
    T_SUCCESS(w);
    T_OK(!dm_exists(path(&w, "cluster/j-1/m/1.csv")));
    T_OK(dm_exists(path(&w, "cluster/j-1/m/2.csv")));
    /* A failed one keeps everything on record. */
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/none", "--dest=/m"), w.err);
    T_INT(w.run.result.objects->list.n, 2);
}

static void the_files_of_a_run_go_by_record(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    static const char *const files[] = {
        "cluster/j-1/movie/d/m.csv", "cluster/j-1/output/d/part.parquet",
        "cluster/j-1/output/d/_SUCCESS", "cluster/j-1/output/e/part.parquet"};
    for (size_t i = 0; i < 4; i++) {
        T_TRY(dm_mkdirs_for(path(&w, files[i]), &w.err), w.err);
        T_TRY(dm_file_write(path(&w, files[i]), DM_STR("x"), 0444, &w.err), w.err);
    }
    const char *const recorded[] = {files[0], files[1], "cluster/j-1/never/written"};
    T_TRY(dm_cluster_remove(&w.s.project, recorded, 3, &w.err), w.err);
    T_OK(!dm_exists(path(&w, "cluster/j-1/movie")));
    T_OK(!dm_exists(path(&w, "cluster/j-1/output/d"))); /* with the _SUCCESS that was left alone */
    T_OK(dm_exists(path(&w, files[3])));
    const char *const outside[] = {"cluster/../daymill.yaml"};
    T_INT(dm_cluster_remove(&w.s.project, outside, 1, &w.err), DM_E_PERMISSION);
}

static void a_program_runs_in_the_runs_scratch_folder(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    T_TRY(RUN(&w, "bash", "-c", "pwd > where; test ! -e /proc/self/fd/3"), w.err);
    T_SUCCESS(w);
    T_OK(dm_exists(path(&w, "run/scratch/d/manual__1/where")));
    T_TRY(RUN(&w, "bash", "-c", "exit 3"), w.err);
    T_FAILED(w, "TASK", "bash ended with exit status 3");
    T_TRY(RUN(&w, "no-such-program"), w.err);
    T_FAILED(w, "NOTFOUND", "no program no-such-program");
}

static void other_jars_and_scripts_are_refused(void)
{
    _cleanup_world_ struct world w;
    struct dm_child child;
    const char *const none[] = {"x", NULL};
    T_TRY(world_open(&w), w.err);
    T_TRY(start(&w, "s3://b/my.jar", none, &child), w.err);
    T_TRY(child_finish(&w.a, &child, &w.run, &w.err), w.err);
    T_FAILED(w, "UNSUPPORTED", "s3://b/my.jar");
    T_TRY(put(&w, "scripts/x.py", DM_STR("print(1)\n")), w.err);
    T_TRY(RUN(&w, "spark-submit", "s3://b/scripts/x.py", "--input=/movie", "--run-id=d"), w.err);
    T_FAILED(w, "UNSUPPORTED", "Spark");
    T_TRY(RUN(&w, "spark-submit", "s3://b/scripts/y.py", "--run-id=d"), w.err);
    T_FAILED(w, "NOTFOUND", "s3://b/scripts/y.py");
}

static void the_shipped_script_is_answered_and_its_output_replaced_whole(void)
{
    _cleanup_world_ struct world w;
    struct dm_str script;
    const char *const *names;
    size_t n;
    T_TRY(world_open(&w), w.err);
    T_TRY(dm_file_read(&w.a, "dags/user_behaviour/spark/random_text_classification.py", 1 << 20,
                       &script, &w.err),
          w.err);
    T_TRY(put(&w, "scripts/x.py", script), w.err);
    T_TRY(
        put(&w, "raw/m.csv", DM_STR("cid,review_str\n1,a good film\n2,\"bad, \"\"so\"\" bad\"\n")),
        w.err);
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/raw", "--dest=/movie/d"), w.err);
    T_TRY(dm_mkdirs(path(&w, "cluster/j-1/output/d/old"), 0777, &w.err), w.err);
    for (int i = 0; i < 2; i++) { /* the same names the second time */
        T_TRY(RUN(&w, "spark-submit", "s3://b/scripts/x.py", "--input=/movie/d",
                  "--output=/output/d", "--run-id=d"),
              w.err);
        T_SUCCESS(w);
        T_TRY(dm_list_dir(&w.a, path(&w, "cluster/j-1/output/d"), &names, &n, &w.err), w.err);
        T_INT(n, 2);
        T_STR(names[0], "_SUCCESS");
        T_HAS(names[1], "part-00000-");
    }
    T_INT(w.run.ledgers->list.n, 2);
    T_INT(dm_map_int(w.run.ledgers->list.items[0], "rows", -1), 2);
    T_INT(dm_map_int(w.run.ledgers->list.items[1], "rows", -1), 2);
    T_HAS(dm_str_cstr(&w.a, dm_map_str(w.run.ledgers->list.items[1], "note", "")),
          "positive=1 rejected=0");
    T_INT(w.run.result.objects->list.n, 1);
    /* Records that are none fail the step, and what was there stays. */
    T_TRY(put(&w, "raw/m.csv", DM_STR("cid,review_str\n1,a,b\n2,good\n")), w.err);
    T_TRY(RUN(&w, "s3-dist-cp", "--src=s3://b/raw", "--dest=/movie/d"), w.err);
    T_TRY(RUN(&w, "spark-submit", "s3://b/scripts/x.py", "--input=/movie/d", "--output=/output/d",
              "--run-id=d"),
          w.err);
    T_FAILED(w, "DATA", "");
    T_HAS(w.run.result.error.hint, "run/scratch/d/manual__1/rejected-step-1.csv");
    T_TRY(dm_list_dir(&w.a, path(&w, "cluster/j-1/output/d"), &names, &n, &w.err), w.err);
    T_INT(n, 2);
    T_TRY(RUN(&w, "spark-submit", "s3://b/scripts/x.py", "--input=/movie/d", "--output=/movie",
              "--run-id=d"),
          w.err);
    T_FAILED(w, "INVALID", "would replace the input");
}

/* The process id that a program wrote, once it has. */
static pid_t pid_from(struct world *w, const char *name)
{
    for (int i = 0; i < 1000; i++) {
        struct dm_str text;
        int64_t pid;
        if (dm_file_read(&w->a, path(w, name), 64, &text, NULL) == 0 &&
            dm_str_to_i64(dm_str_trim(text), &pid))
            return (pid_t)pid;
        poll(NULL, 0, 10);
    }
    return -1;
}

static bool gone_within(pid_t pid, int ms)
{
    for (int i = 0; i < ms / 10; i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        struct dm_str text;
        /* A zombie is gone: whoever inherits it has not looked yet. */
        if (kill(pid, 0) < 0 ||
            dm_file_read(&a, dm_arena_printf(&a, "/proc/%d/stat", (int)pid), 4096, &text, NULL) <
                0 ||
            dm_str_find(text, DM_STR(") Z "), 0) >= 0)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

static void a_step_and_its_program_end_with_their_parent(void)
{
    _cleanup_world_ struct world w;
    struct dm_child child;
    struct dm_child_end end;
    const char *const args[] = {"bash", "-c", "sleep 600 & echo $! > sleeper; wait", NULL};
    T_TRY(world_open(&w), w.err);
    T_TRY(start(&w, "command-runner.jar", args, &child), w.err);
    pid_t sleeper = pid_from(&w, "run/scratch/d/manual__1/sleeper");
    T_OK(sleeper > 0);
    dm_closep(&child.fd); /* as when the parent has ended */
    struct pollfd p = {.fd = child.pid_fd, .events = POLLIN};
    T_INT(poll(&p, 1, 1000), 1);
    T_OK(gone_within(sleeper, 1000));
    T_TRY(dm_child_reap(&child, &end, &w.err), w.err);
    T_INT(end.signal, SIGKILL);
}

CHILD_MAIN(T_CASE(distcp_copies_a_folder_there_and_back), T_CASE(distcp_says_what_it_cannot_do),
           T_CASE(a_step_started_again_leaves_nothing_of_its_first_output),
           T_CASE(the_files_of_a_run_go_by_record),
           T_CASE(a_program_runs_in_the_runs_scratch_folder),
           T_CASE(other_jars_and_scripts_are_refused),
           T_CASE(the_shipped_script_is_answered_and_its_output_replaced_whole),
           T_CASE(a_step_and_its_program_end_with_their_parent))
