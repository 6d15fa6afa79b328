/* task/known_scripts.h and task/spark_args.h: which script, and what it is asked to do. */
#include "base/file.h"
#include "t.h"
#include "task/known_scripts.h"
#include "task/spark_args.h"

static const char shipped[] = "dags/user_behaviour/spark/random_text_classification.py";
static const char design[] = "../shared/reference/original-design.md";

static const struct dm_known_script *find(struct dm_str text)
{
    char digest[DM_DIGEST_HEX];
    struct dm_err err;
    if (dm_script_digest(text, digest, &err) < 0) {
        t_fail(__FILE__, __LINE__, "%s", err.message);
        return NULL;
    }
    return dm_known_script(digest);
}

static void the_shipped_script_is_known_and_a_changed_one_is_not(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    struct dm_str text;
    T_TRY(dm_file_read(&a, shipped, 1 << 20, &text, &err), err);
    const struct dm_known_script *s = find(text);
    T_OK(s && s->dialect == DM_SCRIPT_RFC4180);
    T_OK(!find(dm_str_printf(&a, "%.*s#\n", DM_FMT(text))));
    T_OK(!find(dm_str_printf(&a, " %.*s", DM_FMT(text))));
    T_OK(!find(DM_STR("")));
}

static void line_ends_do_not_matter(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    struct dm_err err;
    struct dm_str text;
    T_TRY(dm_file_read(&a, shipped, 1 << 20, &text, &err), err);
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '\n')
            dm_strbuf_addc(&b, '\r');
        dm_strbuf_addc(&b, text.p[i]);
    }
    dm_strbuf_adds(&b, "\r\n\n");
    T_OK(find(dm_strbuf_str(&b)));
    T_OK(find(dm_str_trim(text)));
}

static void the_script_of_the_original_design_selects_the_spark_dialect(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    struct dm_str text;
    if (!dm_exists(design))
        T_SKIP("../shared is not there");
    T_TRY(dm_file_read(&a, design, 1 << 20, &text, &err), err);
    ptrdiff_t from = dm_str_find(text, DM_STR("# pyspark"), 0);
    ptrdiff_t to = from < 0 ? -1 : dm_str_find(text, DM_STR("```"), (size_t)from);
    T_OK(to > from);
    const struct dm_known_script *s = find(dm_str_sub(text, (size_t)from, (size_t)to));
    T_OK(s && s->dialect == DM_SCRIPT_SPARK);
}

static void arguments_are_read_as_spark_submit_and_argparse_read_them(void)
{
    struct dm_spark_args got;
    struct dm_err err;
    const char *const original[] = {"spark-submit", "s3://b/scripts/x.py", "--input=/movie/D",
                                    "--run-id=D", NULL};
    T_TRY(dm_spark_args_parse(original, &got, &err), err);
    T_STR(got.script, "s3://b/scripts/x.py");
    T_STR(got.input, "/movie/D");
    T_STR(got.output, "/output");
    T_STR(got.run_id, "D");
    const char *const sized[] = {"spark-submit",
                                 "--deploy-mode",
                                 "cluster",
                                 "--conf",
                                 "spark.executor.cores=2",
                                 "--executor-memory=2g",
                                 "x.py",
                                 "--out",
                                 "/o",
                                 "--run",
                                 "E",
                                 NULL};
    T_TRY(dm_spark_args_parse(sized, &got, &err), err);
    T_STR(got.output, "/o");
    T_STR(got.input, "/movie");
    T_STR(got.run_id, "E");
}

static void what_could_change_the_answer_is_refused_by_name(void)
{
    static const struct {
        const char *argv[6];
        const char *message;
    } cases[] = {
        {{"spark-submit", "--py-files", "a.py", "x.py"}, "the option --py-files"},
        {{"spark-submit", "--conf", "spark.sql.caseSensitive=true", "x.py"},
         "spark.sql.caseSensitive"},
        {{"spark-submit", "x.py", "--limit=1"}, "--limit=1"},
        {{"spark-submit", "x.py", "--input"}, "--input has no value"},
        {{"spark-submit", "x.py"}, "--run-id is missing"},
        {{"spark-submit"}, "no script"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct dm_spark_args got;
        struct dm_err err = {0};
        T_OK(dm_spark_args_parse(cases[i].argv, &got, &err) < 0);
        T_HAS(err.message, cases[i].message);
    }
}

T_MAIN(T_CASE(the_shipped_script_is_known_and_a_changed_one_is_not),
       T_CASE(line_ends_do_not_matter),
       T_CASE(the_script_of_the_original_design_selects_the_spark_dialect),
       T_CASE(arguments_are_read_as_spark_submit_and_argparse_read_them),
       T_CASE(what_could_change_the_answer_is_refused_by_name))
