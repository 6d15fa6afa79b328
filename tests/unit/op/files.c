/* Paths, `file_to_s3` and `s3_copy`. */
#include <fcntl.h>
#include <sys/stat.h>

#include "harness.h"
#include "op/op_paths.h"
#include "state/record.h"

static void paths_meet_in_the_scratch_folder(void)
{
    struct h h;
    const char *out, *in;
    h_begin(&h);
    T_TRY(dm_op_output_path(&h.at, DM_STR("/temp/x.csv"), &out, &h.err), h.err);
    T_TRY(dm_file_write(out, DM_STR("x"), 0644, &h.err), h.err);
    T_TRY(dm_op_input_path(&h.at, DM_STR("temp/x.csv"), false, &in, &h.err), h.err);
    T_STR(in, out);
    T_TRY(dm_op_input_path(&h.at, DM_STR("./temp//x.csv"), true, &in, &h.err), h.err);
    T_STR(in, out);
    h.order.run_id = "r2";
    T_INT(dm_op_input_path(&h.at, DM_STR("temp/x.csv"), false, &in, &h.err), DM_E_NOTFOUND);
    h_end(&h);
}

static void nothing_outside_is_reached(void)
{
    struct h h;
    const char *path;
    h_begin(&h);
    T_INT(dm_op_output_path(&h.at, DM_STR("/temp/../../x"), &path, &h.err), DM_E_PERMISSION);
    T_INT(dm_op_input_path(&h.at, DM_STR("data/../connections.yaml"), true, &path, &h.err),
          DM_E_PERMISSION);
    /* A COPY reads scratch and data only, an operator that takes files takes them from anywhere. */
    T_INT(dm_op_input_path(&h.at, DM_STR("/etc/passwd"), false, &path, &h.err), DM_E_NOTFOUND);
    T_TRY(dm_op_input_path(&h.at, DM_STR("/etc/passwd"), true, &path, &h.err), h.err);
    T_STR(path, "/etc/passwd");
    T_INT(dm_op_input_path(&h.at, DM_STR("connections.yaml"), false, &path, &h.err), DM_E_NOTFOUND);
    T_TRY(dm_op_input_path(&h.at, DM_STR("connections.yaml"), true, &path, &h.err), h.err);
    h_end(&h);
}

static void a_missing_file_names_its_neighbours(void)
{
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    h_write(&h, "data/film_review.csv", "x");
    T_INT(h_run(&h, "file_to_s3",
                "{\"filename\": \"data/movie_review.csv\", \"dest_key\": \"s3://daymill/x\"}", &v),
          DM_E_NOTFOUND);
    T_HAS(h.err.message, "data/movie_review.csv");
    T_HAS(h.err.detail, "film_review.csv");
    h_end(&h);
}

static void a_file_lands_and_is_not_replaced_unasked(void)
{
    struct h h;
    const struct dm_value *v;
    struct dm_lake *lake;
    struct dm_object_info info;
    h_begin(&h);
    h_write(&h, "data/a.csv", "12345");
    const char *json =
        "{\"filename\": \"/data/a.csv\", \"dest_bucket\": \"daymill\", \"dest_key\": \"raw/a\"}";
    T_TRY(h_run(&h, "file_to_s3", json, &v), h.err);
    T_DMSTR(v->s, "s3://daymill/raw/a");
    T_TRY(dm_op_lake(&h.at, DM_STR("cluster"), &lake, &h.err), h.err);
    T_TRY(dm_lake_stat(lake, (struct dm_object_name){"daymill", "raw/a"}, &info, &h.err), h.err);
    T_INT(info.size, 5);
    T_INT(h_run(&h, "file_to_s3", json, &v), DM_E_EXISTS);
    T_HAS(h.err.hint, "replace: true");

    /* What this task instance wrote in an earlier attempt is its own. */
    struct dm_value *mine = dm_value_list(&h.arena, 0), *o = dm_value_map(&h.arena);
    dm_map_set(&h.arena, o, "bucket", dm_value_cstr(&h.arena, "daymill"));
    dm_map_set(&h.arena, o, "key", dm_value_cstr(&h.arena, "raw/a"));
    dm_list_add(&h.arena, mine, o);
    h.order.earlier_objects = mine;
    T_TRY(h_run(&h, "file_to_s3", json, &v), h.err);
    h_close(&h);
    T_STR(h_text(&h, h_report(&h, 'L', 1), "dataset"), "s3://daymill/raw/a");
    T_INT(dm_map_int(h_report(&h, 'L', 1), "bytes", 0), 5);
    h_end(&h);
}

/* Days that land one file side by side do not each copy it: what one made, the next one links to. */
static void a_source_is_copied_once_by_all_days(void)
{
    struct h h;
    const struct dm_value *v;
    struct stat one, two;
    h_begin(&h);
    h_write(&h, "data/a.csv", "12345");
    /* Younger than two seconds it would not be remembered. */
    struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    T_INT(utimensat(AT_FDCWD, dm_path_join(&h.arena, h.project.dir, "data/a.csv"), old, 0), 0);
    usleep(2100000); /* its change time is now, whatever its modification time says */
    for (int i = 1; i <= 2; i++)
        T_TRY(h_run(&h, "file_to_s3",
                    dm_arena_printf(&h.arena,
                                    "{\"filename\": \"/data/a.csv\", \"dest_bucket\": \"daymill\", "
                                    "\"dest_key\": \"raw/%d/a\"}",
                                    i),
                    &v),
              h.err);
    T_INT(stat(dm_path_join(&h.arena, h.project.lake_dir, "daymill/raw/1/a"), &one), 0);
    T_INT(stat(dm_path_join(&h.arena, h.project.lake_dir, "daymill/raw/2/a"), &two), 0);
    T_OK(one.st_ino == two.st_ino);
    h_end(&h);
}

/* What was just written may change again without a trace, and what a task of the run left is no input. */
static void a_file_from_outside_is_an_input(void)
{
    struct h h;
    const struct dm_value *v;
    const char *path;
    struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    const char *json = "{\"filename\": \"data/a.csv\", \"dest_key\": \"s3://daymill/a\", "
                       "\"replace\": true}";
    h_begin(&h);
    h_write(&h, "data/a.csv", "12345");
    T_TRY(h_run(&h, "file_to_s3", json, &v), h.err);
    T_TRY(dm_op_output_path(&h.at, DM_STR("/temp/x.csv"), &path, &h.err), h.err);
    T_TRY(dm_file_write(path, DM_STR("x"), 0644, &h.err), h.err);
    T_INT(utimensat(AT_FDCWD, path, old, 0), 0);
    T_TRY(h_run(&h, "file_to_s3",
                "{\"filename\": \"temp/x.csv\", \"dest_key\": \"s3://daymill/x\"}", &v),
          h.err);
    T_INT(utimensat(AT_FDCWD, dm_path_join(&h.arena, h.project.dir, "data/a.csv"), old, 0), 0);
    T_TRY(h_run(&h, "file_to_s3", json, &v), h.err);
    h_close(&h);
    T_OK(!h_report(&h, 'N', 1));
    T_STR(h_text(&h, h_report(&h, 'N', 0), "source"), "data/a.csv");
    T_STR(h_text(&h, h_report(&h, 'N', 0), "identity"), "5:1000000000.000000000");
    h_end(&h);
}

static void a_file_of_the_dag_comes_from_its_generation(void)
{
    struct h h;
    const struct dm_value *v;
    struct dm_lake *lake;
    struct dm_object_info info;
    h_begin(&h);
    struct dm_value *files = dm_value_map(&h.arena);
    dm_map_set(&h.arena, files, "dags/x/s.py", dm_value_cstr(&h.arena, "as it was"));
    h.order.files = files;
    h_write(&h, "dags/x/s.py", "changed since");
    T_TRY(h_run(&h, "file_to_s3",
                "{\"filename\": \"dags/x/s.py\", \"dest_key\": \"s3://daymill/s.py\"}", &v),
          h.err);
    T_TRY(dm_op_lake(&h.at, DM_STR("lake"), &lake, &h.err), h.err);
    T_TRY(dm_lake_stat(lake, (struct dm_object_name){"daymill", "s.py"}, &info, &h.err), h.err);
    T_INT(info.size, 9);
    h_end(&h);
}

static void remove_local_removes(void)
{
    struct h h;
    const struct dm_value *v;
    const char *path;
    h_begin(&h);
    T_TRY(dm_op_output_path(&h.at, DM_STR("/temp/x.csv"), &path, &h.err), h.err);
    T_TRY(dm_file_write(path, DM_STR("x"), 0644, &h.err), h.err);
    T_TRY(h_run(&h, "file_to_s3",
                "{\"filename\": \"temp/x.csv\", \"dest_key\": \"s3://daymill/x\", "
                "\"remove_local\": true}",
                &v),
          h.err);
    T_OK(!dm_exists(path));
    h_end(&h);
}

static void a_copy_is_the_same_object(void)
{
    struct h h;
    const struct dm_value *v;
    struct dm_lake *lake;
    struct dm_object_info info;
    h_begin(&h);
    h_write(&h, "data/a.csv", "h\n\"1\n2\"\n3\n");
    T_TRY(h_run(&h, "file_to_s3",
                "{\"filename\": \"data/a.csv\", \"dest_key\": \"s3://daymill/raw/a\"}", &v),
          h.err);
    T_TRY(
        h_run(&h, "s3_copy",
              "{\"source_bucket_key\": \"s3://daymill/raw/a\", \"dest_bucket_name\": \"daymill\", "
              "\"dest_bucket_key\": \"stage/a\"}",
              &v),
        h.err);
    T_TRY(dm_op_lake(&h.at, DM_STR("lake"), &lake, &h.err), h.err);
    T_TRY(dm_lake_stat(lake, (struct dm_object_name){"daymill", "stage/a"}, &info, &h.err), h.err);
    T_INT(h_run(&h, "s3_copy",
                "{\"source_bucket_key\": \"s3://daymill/raw/b\", \"dest_bucket_key\": \"x\"}", &v),
          DM_E_INVALID);
    h_end(&h);
}

static void steps_are_checked_before_they_are_sent(void)
{
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    const char *two =
        "{\"job_flow_id\": \"j-1\", \"steps\": \"[{\\\"Name\\\": \\\"a\\\", "
        "\\\"ActionOnFailure\\\": \\\"TERMINATE_JOB_FLOW\\\", \\\"HadoopJarStep\\\": "
        "{\\\"Jar\\\": \\\"command-runner.jar\\\", \\\"Args\\\": [\\\"true\\\"]}}, "
        "{\\\"Name\\\": \\\"b\\\", \\\"HadoopJarStep\\\": {\\\"Jar\\\": \\\"x\\\"}}]\"}";
    T_TRY(h_run(&h, "emr_add_steps", two, &v), h.err);
    T_INT(v->list.n, 2);
    T_INT(h_run(&h, "emr_add_steps", "{\"job_flow_id\": \"j-1\", \"steps\": [{\"Name\": \"a\"}]}",
                &v),
          DM_E_INVALID);
    T_HAS(h.err.message, "step 1 (a)");
    T_INT(h_run(&h, "emr_add_steps", "{\"steps\": []}", &v), DM_E_INVALID);
    h_close(&h);
    const struct dm_value *sent = dm_map_at(h_report(&h, 'E', 0), "steps");
    T_STR(h_text(&h, sent->list.items[0], "action_on_failure"), "TERMINATE_CLUSTER");
    T_STR(h_text(&h, sent->list.items[1], "action_on_failure"), "CONTINUE");
    h_end(&h);
}

/* A run with a batch of two steps, the first of which has counted. */
static int store_steps(struct h *h, enum dm_step_state last, const char ***ret_ids)
{
    _cleanup_store_ struct dm_store *s = NULL;
    struct dm_err *err = &h->err;
    struct dm_run_row run = {.dag_id = "d",
                             .run_id = "r1",
                             .run_type = "manual",
                             .state = DM_RUN_RUNNING,
                             .conf = "{}",
                             .generation = "g"};
    struct dm_task_row task = {
        .task_id = "start", .map_index = -1, .operator_name = "emr_add_steps", .try_number = 1};
    struct dm_step_new steps[] = {{"a", "command-runner.jar", "CANCEL_AND_WAIT", "[\"true\"]"},
                                  {"b", "command-runner.jar", "CANCEL_AND_WAIT", "[\"true\"]"}};
    struct dm_step_row step;
    DM_TRY(dm_store_open(h->project.state_path, DM_STORE_WRITE, &s, err));
    DM_TRY(dm_store_begin(s, false, err));
    DM_TRY(dm_record_generation(s, "g", "d", DM_STR("{}"), 1, err));
    DM_TRY(dm_record_run(s, &run, 1, err));
    task.run = run.id;
    DM_TRY(dm_record_task(s, &task, err));
    DM_TRY(dm_record_steps(s, &h->arena, &run, &task, "j-1", steps, 2, 1, ret_ids, err));
    for (int i = 0; i < 2; i++) {
        struct dm_attempt_row at = {.run = run.id,
                                    .task = task.id,
                                    .task_id = "start",
                                    .step_id = (*ret_ids)[i],
                                    .map_index = -1,
                                    .try_number = 1,
                                    .decided_at = 1,
                                    .generation = "g"};
        enum dm_step_state to = i == 0 ? DM_STEP_COMPLETED : last;
        if (dm_store_step(s, &h->arena, "j-1", dm_str_c((*ret_ids)[i]), &step, err) != 1 ||
            to == DM_STEP_PENDING)
            continue;
        DM_TRY(dm_record_attempt(s, &h->arena, &at, "logs", err));
        DM_TRY(dm_step_set_state(s, &step, DM_STEP_RUNNING, at.number, NULL, NULL, 2, err));
        struct dm_ledger_row in = {.dataset = "/movie", .rows = 12, .bytes = -1, .files = -1};
        struct dm_ledger_row out = {.write = true,
                                    .dataset = "/output",
                                    .rows = 10,
                                    .bytes = -1,
                                    .files = -1,
                                    .note = "positive=4 rejected=2"};
        if (i == 0) {
            DM_TRY(dm_record_ledger(s, at.number, &in, err));
            DM_TRY(dm_record_ledger(s, at.number, &out, err));
        }
        struct dm_attempt_end end = {
            .state = to == DM_STEP_FAILED ? DM_ATTEMPT_FAILED : DM_ATTEMPT_SUCCESS, .at = 3};
        DM_TRY(dm_record_attempt_end(s, at.number, &end, err));
        DM_TRY(dm_step_set_state(s, &step, to, at.number, NULL,
                                 to == DM_STEP_FAILED ? "it broke" : NULL, 3, err));
    }
    return dm_store_commit(s, err);
}

static int wait_for(struct h *h, const char *step_id, const char *more)
{
    const struct dm_value *v;
    return h_run(h, "emr_step",
                 dm_arena_printf(&h->arena, "{\"job_flow_id\": \"j-1\", \"step_id\": \"%s\"%s}",
                                 step_id, more),
                 &v);
}

static void a_sensor_waits_for_the_step_and_hands_on_its_figures(void)
{
    struct h h;
    const char **ids;
    h_begin(&h);
    T_TRY(store_steps(&h, DM_STEP_PENDING, &ids), h.err);
    T_TRY(wait_for(&h, ids[1], ""), h.err);
    T_OK(h.at.reschedule);
    T_STR(h.at.until_step, ids[1]);
    T_TRY(wait_for(&h, ids[0], ""), h.err);
    T_OK(!h.at.reschedule);
    T_INT(wait_for(&h, "s-NOSUCHSTEP000", ""), DM_E_NOTFOUND);
    h_close(&h);
    const struct dm_value *figures = dm_map_at(h_report(&h, 'X', 0), "value");
    T_INT(dm_map_int(figures, "rows_in", 0), 12);
    T_INT(dm_map_int(figures, "rows_out", 0), 10);
    T_INT(dm_map_int(figures, "rejected", 0), 2);
    h_end(&h);
}

static void a_failed_step_fails_or_skips_its_sensor(void)
{
    struct h h;
    const char **ids;
    h_begin(&h);
    T_TRY(store_steps(&h, DM_STEP_FAILED, &ids), h.err);
    T_INT(wait_for(&h, ids[1], ""), DM_E_TASK);
    T_HAS(h.err.message, "FAILED: it broke");
    T_INT(wait_for(&h, ids[1], ", \"soft_fail\": true"), DM_E_SKIP);
    T_INT(wait_for(&h, ids[1], ", \"target_states\": [\"FAILED\"]"), 0);
    h_end(&h);
}

T_MAIN(T_CASE(paths_meet_in_the_scratch_folder), T_CASE(nothing_outside_is_reached),
       T_CASE(a_missing_file_names_its_neighbours),
       T_CASE(a_file_lands_and_is_not_replaced_unasked),
       T_CASE(a_source_is_copied_once_by_all_days), T_CASE(a_file_from_outside_is_an_input),
       T_CASE(a_file_of_the_dag_comes_from_its_generation), T_CASE(remove_local_removes),
       T_CASE(a_copy_is_the_same_object), T_CASE(steps_are_checked_before_they_are_sent),
       T_CASE(a_sensor_waits_for_the_step_and_hands_on_its_figures),
       T_CASE(a_failed_step_fails_or_skips_its_sensor))
