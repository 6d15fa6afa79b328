/* Paths, `file_to_s3` and `s3_copy`. */
#include "harness.h"
#include "op/op_paths.h"

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

T_MAIN(T_CASE(paths_meet_in_the_scratch_folder), T_CASE(nothing_outside_is_reached),
       T_CASE(a_missing_file_names_its_neighbours),
       T_CASE(a_file_lands_and_is_not_replaced_unasked),
       T_CASE(a_file_of_the_dag_comes_from_its_generation), T_CASE(remove_local_removes),
       T_CASE(a_copy_is_the_same_object), T_CASE(steps_are_checked_before_they_are_sent))
