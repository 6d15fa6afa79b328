/* lang/dag.h: what loads, what is refused and how it is said, and the normal form. */
#include "lang/dag.h"

static const struct dm_op_field empty_fields[] = {{NULL}};
static const struct dm_op_field bash_fields[] = {
    {.name = "bash_command", .type = DM_FIELD_STRING, .required = true, .templated = true},
    {.name = "env", .type = DM_FIELD_MAP, .templated = true},
    {.name = "append_env", .type = DM_FIELD_BOOL, .fallback = "false"},
    {NULL}};
static const struct dm_op_field sql_fields[] = {
    {.name = "sql", .type = DM_FIELD_STRING_OR_LIST, .required = true, .templated = true},
    {.name = "conn_id", .type = DM_FIELD_STRING, .fallback = "\"db\"", .alias = "postgres_conn_id"},
    {.name = "parameters", .type = DM_FIELD_ANY, .templated = true},
    {NULL}};
static const struct dm_op_field land_fields[] = {{.name = "filename",
                                                  .type = DM_FIELD_STRING,
                                                  .required = true,
                                                  .templated = true,
                                                  .names_file = true},
                                                 {NULL}};
static const char *const bash_names[] = {"BashOperator", "airflow.operators.bash.BashOperator",
                                         NULL};
static const char *const sql_exts[] = {".sql", NULL};
static const struct dm_op_spec empty_op = {.name = "empty", .fields = empty_fields},
                               bash_op = {.name = "bash",
                                          .aliases = bash_names,
                                          .fields = bash_fields},
                               sql_op = {.name = "sql",
                                         .fields = sql_fields,
                                         .template_ext = sql_exts},
                               land_op = {.name = "land", .fields = land_fields},
                               wait_op = {.name = "wait", .fields = empty_fields, .sensor = true};
static const struct dm_op_spec *const specs[] = {&empty_op, &bash_op, &sql_op,
                                                 &land_op,  &wait_op, NULL};
static const struct dm_op_refused refused[] = {{"PythonOperator", "Use bash."}, {NULL, NULL}};
static const struct dm_op_table ops = {specs, refused};

#include "scene.h"

static void both_forms_give_the_same_dag(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    T_STR(findings(
              &s, "one:\n"
                  "  start_date: 2024-01-31\n"
                  "  schedule: '@daily'\n"
                  "  default_args: {retries: 2, retry_delay: 5, append_env: true}\n"
                  "  tasks:\n"
                  "    - {task_id: b, operator: BashOperator, bash_command: x, dependencies: [a]}\n"
                  "    - {task_id: a, operator: empty, retries: 0, wait_for_downstream: true}\n"
                  "two:\n"
                  "  start_date: 2024-01-31\n"
                  "  tasks:\n"
                  "    a: {operator: empty, trigger_rule: dummy}\n"
                  "    w: {operator: wait, dependencies: [a], poke_interval: 5}\n"),
          "");
    T_INT(s.set.n_dags, 2);
    const struct dm_dag *one = dm_dag_find(&s.set, DM_STR("one"));
    T_INT(dm_timetable_kind(one->timetable), DM_TIMETABLE_CRON);
    T_INT(one->start_date, 1706659200 * DM_SEC);
    T_STR(one->tasks[0].task_id, "a");
    T_INT(one->tasks[0].retries, 0);
    T_OK(one->tasks[0].depends_on_past);
    T_INT(one->tasks[0].downstream[0], 1);
    T_STR(one->tasks[1].operator_name, "bash");
    T_INT(one->tasks[1].retries, 2);
    T_INT(one->tasks[1].retry_delay_us, 5 * DM_SEC);
    T_OK(dm_map_bool(one->tasks[1].args, "append_env", false));
    const struct dm_dag *two = dm_dag_find(&s.set, DM_STR("two"));
    T_INT(dm_timetable_kind(two->timetable), DM_TIMETABLE_NONE);
    T_INT(two->tasks[0].trigger_rule, DM_RULE_ALWAYS);
    T_INT(dm_map_int(two->tasks[1].args, "poke_interval", 0), 5);
    T_INT(dm_map_int(two->tasks[1].args, "timeout", 0), 604800);
}

static void all_mistakes_are_shown_with_place_and_nearest_name(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    write_file(&s, "dags/sql/there.sql", "select 1");
    findings(&s, "d:\n"
                 "  start_date: 2024-01-01\n"
                 "  schedule: 0 25 * * *\n"
                 "  catchup: 'no'\n"
                 "  tags: word\n"
                 "  shedule: null\n"
                 "  tasks:\n"
                 "    - {task_id: a, operator: bash, bash_comand: x}\n"
                 "    - {task_id: b, operator: bsh}\n"
                 "    - {task_id: c, operator: sql, sql: sql/their.sql, dependencies: [bb]}\n"
                 "    - {task_id: c, operator: empty}\n"
                 "    - {task_id: e, operator: PythonOperator}\n"
                 "    - {task_id: f, operator: empty, retries: many, trigger_rule: all_sucess}\n"
                 "    - {task_id: 7, operator: empty}\n"
                 "    - {task_id: g}\n");
    T_INT(s.set.n_dags, 0);
    static const char *const said[] = {
        "dags/a.yaml:3:13: error: \"0 25 * * *\" is no cron expression: hour \"25\"",
        "dags/a.yaml:4:12: error: catchup must be true or false, not a string",
        "dags/a.yaml:5:9: error: tags must be a list",
        "dags/a.yaml:6:3: error: a DAG has no key \"shedule\"",
        "      6 |   shedule: null\n        |   ^\n        hint: Did you mean \"schedule\"?",
        "dags/a.yaml:8:36: error: task \"a\" (bash) has no key \"bash_comand\"",
        "Did you mean \"bash_command\"?",
        "dags/a.yaml:8:7: error: task \"a\" (bash) needs bash_command",
        "dags/a.yaml:9:30: error: there is no operator \"bsh\"",
        "Did you mean \"bash\"?",
        "dags/a.yaml:10:40: error: there is no file \"sql/their.sql\" in dags",
        "Did you mean \"sql/there.sql\"?",
        "dags/a.yaml:10:70: error: task \"c\" depends on \"bb\", which does not exist",
        "Did you mean \"b\"?",
        "dags/a.yaml:11:17: error: the task_id \"c\" is taken (line 10)",
        "dags/a.yaml:12:30: error: the operator \"PythonOperator\" does not run here",
        "hint: Use bash.",
        "dags/a.yaml:13:46: error: retries of task \"f\" must be a whole number",
        "Did you mean \"all_success\"?",
        "dags/a.yaml:14:17: error: a task_id must be a text",
        "dags/a.yaml:15:7: error: task \"g\" has no operator",
    };
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
        T_HAS(s.shown, said[i]);
}

static void a_circle_is_named(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    T_HAS(findings(&s, "d:\n  tasks:\n    a: {operator: empty}\n"
                       "    b: {operator: empty, dependencies: [a, d]}\n"
                       "    c: {operator: empty, dependencies: [b]}\n"
                       "    d: {operator: empty, dependencies: [c]}\n"),
          "dags/a.yaml:4:40: error: tasks wait for each other in a circle: b >> c >> d >> b");
}

static void one_bad_file_leaves_the_others(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    write_file(&s, "dags/b.yml", "b: {tasks: {t: {operator: empty}}}\n");
    write_file(&s, "dags/sub/c.yml", "b: {tasks: {t: {operator: empty}}}\n");
    write_file(&s, "dags/.hidden.yml", "nonsense");
    findings(&s, "a:\n\tb: 1\n");
    T_INT(s.set.n_dags, 1);
    T_STR(s.set.dags[0]->file, "dags/sub/c.yml"); /* read last */
    T_INT(s.set.n_errors, 1);
    T_STR(s.set.diags[0].code, "yaml");
    T_INT(s.set.diags[0].line, 2);
    T_STR(s.set.diags[1].code, "duplicate_id");
    T_INT(s.set.diags[1].warning, true);
    T_HAS(s.set.diags[1].message, "the one in dags/b.yml, line 1");
}

static void defaults_come_in_layers(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    write_file(&s, "dags/defaults.yml",
               "default_args: {owner: root, retries: 1, pool: p}\nmax_active_runs: 3\ntags: [b]\n");
    write_file(&s, "dags/sub/defaults.yml", "default_args: {owner: sub}\ntags: [a]\n");
    write_file(&s, "dags/sub/x.yml",
               "default:\n  params: {k: 1, l: {m: 2}}\n  default_args: {retries: 4}\n"
               "x:\n  params: {l: {n: 3}}\n  tasks:\n    t: {operator: empty, pool: q}\n");
    findings(&s, "y: {tags: [own], tasks: {t: {operator: empty}}}\n");
    T_STR(s.shown, "");
    const struct dm_dag *x = dm_dag_find(&s.set, DM_STR("x")),
                        *y = dm_dag_find(&s.set, DM_STR("y"));
    T_STR(x->tasks[0].owner, "sub");
    T_INT(x->tasks[0].retries, 4);
    T_STR(x->tasks[0].pool, "q");
    T_INT(x->max_active_runs, 3);
    T_STR(x->tags[0], "a");
    T_STR(x->tags[1], "b");
    T_DMSTR(dm_value_json(&s.a, dm_map_at(x->params, "l")), "{\"n\": 3, \"m\": 2}");
    T_STR(y->tags[0], "own");
    T_STR(y->tasks[0].owner, "root");
    /* Maps of a folder's and of a file's defaults are put together. */
    write_file(&s, "dags/sub/w.yml",
               "default:\n  params: {a: 1}\nw:\n  tasks: {t: {operator: empty}}\n");
    write_file(&s, "dags/sub/defaults.yml",
               "params: {b: 2}\ndefault_args: {params: {c: {d: 3}}}\n");
    write_file(&s, "dags/sub/v.yml",
               "v:\n  default_args: {params: {c: {e: 4}}}\n  tasks: {t: {operator: empty}}\n");
    load(&s);
    T_DMSTR(dm_value_json(&s.a, dm_map_at(dm_dag_find(&s.set, DM_STR("v"))->params, "c")),
            "{\"e\": 4, \"d\": 3}");
    T_DMSTR(dm_value_json(&s.a, dm_dag_find(&s.set, DM_STR("w"))->params),
            "{\"b\": 2, \"a\": 1, \"c\": {\"d\": 3}}");
    /* Objects are no maps: those of a DAG take the place of the defaults'. */
    T_STR(findings(&s, "default:\n"
                       "  dagrun_timeout: {__type__: datetime.timedelta, minutes: 5}\n"
                       "  params: {p: {__type__: airflow.sdk.Param, default: 5, maximum: 9}}\n"
                       "z:\n"
                       "  dagrun_timeout: {__type__: datetime.timedelta, hours: 1}\n"
                       "  params: {p: {__type__: airflow.sdk.Param, default: 11}}\n"
                       "  tasks: {t: {operator: empty}}\n"),
          "");
    T_INT(dm_dag_find(&s.set, DM_STR("z"))->dagrun_timeout_us, DM_HOUR);
}

/* What dag-factory 1.1.0 and Airflow 2.10.5 take, and what they refuse. */
static void what_says_nothing_is_as_if_not_given(void)
{
    static const char *const fine[] = {
        "x: {schedule: None, tasks: {t: {operator: empty}}}\n",
        "x: {start_date: 2024-01-01, tasks: {t: {operator: empty, dependencies: \"\"}}}\n",
        "x: {start_date: 2024-01-01, tasks: {t: {operator: empty, dependencies: {}}}}\n",
        "x: {start_date: 2024-01-01, tasks: {t: {operator: empty, params: \"\"}}}\n",
    };
    static const char *const warned[] = {
        "x: {schedule: \"@daily\", default_args: {start_date: null}, tasks: {t: {operator: "
        "empty}}}\n",
        "x: {start_date: 2024-01-01, tasks: null}\n",
    };
    static const char *const wrong[] = {
        "x: {schedule: \"@daily\", tasks: {t: {operator: empty}}}\n",
        "x: {start_date: 2024-01-01, tasks: {t: {operator: empty, dependencies: null}}}\n",
        "x: {start_date: 2024-01-01, default_args: {params: 0}, tasks: {t: {operator: "
        "empty}}}\n",
    };
    for (size_t i = 0; i < 4; i++) {
        _cleanup_scene_ struct scene s;
        scene_begin(&s);
        findings(&s, fine[i]);
        T_STR(s.shown, "");
    }
    for (size_t i = 0; i < 5; i++) {
        _cleanup_scene_ struct scene s;
        scene_begin(&s);
        findings(&s, i < 2 ? warned[i] : wrong[i - 2]);
        T_INT(s.set.n_errors, i < 2 ? 0 : 1);
        T_INT(s.set.n_diags, 1);
        T_INT(s.set.n_dags, i < 2 ? 1 : 0);
    }
}

static void environment_variables_keep_places_right(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    findings(&s, "d:\n  description: $T_OWNER ${T_OWNER}s $NOT_SET\n"
                 "  tasks:\n    t: {operator: bash, bash_command: '$T_OWNER', owner: 5}\n");
    T_HAS(s.shown, "dags/a.yaml:4:58: error: owner of task \"t\" must be a text");
    findings(&s, "d:\n  description: $T_OWNER ${T_OWNER}s $NOT_SET\n  tasks: {}\n");
    T_STR(s.shown, "");
    T_STR(s.set.dags[0]->description, "ann of the night ann of the nights $NOT_SET");
}

static void named_files_belong_to_the_generation(void)
{
    static const char yaml[] = "d:\n  tasks:\n    t: {operator: sql, sql: [q.sql, select 2]}\n"
                               "    l: {operator: land, filename: dags/s.py}\n"
                               "    v: {operator: land, filename: data/none.csv}\n";
    _cleanup_scene_ struct scene s;
    char generation[65];
    scene_begin(&s);
    write_file(&s, "dags/q.sql", "select 1");
    write_file(&s, "dags/s.py", "print(1)");
    write_file(&s, "dags/sql/part.sql", "where x");
    write_file(&s, "dags/q.sql", "select 1 {% include 'sql/part.sql' %}");
    T_STR(findings(&s, yaml), "");
    T_DMSTR(dm_map_str(s.set.dags[0]->files, "sql/part.sql", ""), "where x");
    memcpy(generation, s.set.dags[0]->generation, sizeof(generation));
    T_STR(findings(&s, yaml), "");
    T_STR(s.set.dags[0]->generation, generation);
    write_file(&s, "dags/s.py", "print(2)");
    T_STR(findings(&s, yaml), "");
    T_OK(strcmp(s.set.dags[0]->generation, generation) != 0);
    memcpy(generation, s.set.dags[0]->generation, sizeof(generation));
    write_file(&s, "dags/q.sql", "select 3");
    T_STR(findings(&s, yaml), "");
    T_OK(strcmp(s.set.dags[0]->generation, generation) != 0);
}

/* Reading what is no file may never end. */
static void only_files_are_read(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    T_HAS(findings(&s,
                   "d:\n  start_date: 2024-01-01\n  template_searchpath: /dev\n  tasks:\n"
                   "    - {task_id: t, operator: sql, sql: zero.sql}\n"
                   "    - {task_id: u, operator: bash, bash_command: \"{% include 'zero' %}\"}\n"),
          "there is no file \"zero.sql\"");
    T_INT(s.set.n_errors, 1);
}

static void the_normal_form_comes_back_as_it_was(void)
{
    _cleanup_scene_ struct scene s;
    _cleanup_strbuf_ struct dm_strbuf b;
    struct dm_dag *again;
    struct dm_err err;
    scene_begin(&s);
    T_STR(findings(&s, "d:\n  start_date: 2024-01-31\n  end_date: 2024-02-29\n"
                       "  schedule: {__type__: datetime.timedelta, hours: 3}\n"
                       "  params: {day: 2024-01-01, 1: one, list: [1, .inf, 2001-12-14 21:59:43]}\n"
                       "  tasks:\n    t:\n      operator: bash\n      bash_command: echo\n"
                       "      env: {Z: z, A: a}\n"),
          "");
    const struct dm_dag *d = s.set.dags[0];
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_dag_to_json(&b, d);
    T_TRY(dm_dag_from_json(&s.a, dm_strbuf_str(&b), &again, &err), err);
    T_STR(again->generation, d->generation);
    T_OK(dm_value_equal(again->params, d->params));
    T_INT(dm_map_at(again->params, "day")->kind, DM_DATE);
    T_INT(again->start_date, d->start_date);
    T_INT(again->end_date, d->end_date);
    T_INT(dm_timetable_kind(again->timetable), DM_TIMETABLE_DELTA);
    const struct dm_value *env = dm_map_at(again->tasks[0].args, "env");
    T_DMSTR(env->map.pairs[0].key->s, "Z");
    T_INT(env->line, 10);
    T_INT(env->col, 12);
    T_INT(dm_dag_from_json(&s.a, DM_STR("{\"tasks\": []}"), &again, &err), DM_E_DATA);
}

/* Any file: DAGs or errors, each with a place inside the file or none, never a crash. */
static void mutated_files_end(void)
{
    static const char seed[] =
        "default: {default_args: {retries: 1}}\n"
        "d: {start_date: 2024-01-31, schedule: '@daily', params: {a: 1}, tags: [x],\n"
        "  tasks: [{task_id: a, operator: bash, bash_command: x, retry_delay: 3},\n"
        "    {task_id: b, operator: sql, sql: [q, r], dependencies: [a], env: $T_OWNER}]}\n"
        "e:\n  end_date: '2 days'\n  tasks:\n    c: {operator: wait, trigger_rule: always}\n";
    static const char spice[] = "\n {}[]:,*&'\"-$0aeb";
    _cleanup_scene_ struct scene s;
    uint64_t r = 11;
    scene_begin(&s);
    write_file(&s, "dags/a.yaml", "");
    const char *path = dm_path_join(&s.a, s.dir, "dags/a.yaml");
    struct dm_load_world world = {.project_dir = s.dir, .ops = &ops, .env = environment};
    for (int round = 0; round < 1500; round++) {
        _cleanup_arena_ struct dm_arena a = {0};
        char text[sizeof(seed)];
        struct dm_dag_set set;
        struct dm_err err;
        memcpy(text, seed, sizeof(seed));
        for (int k = 0; k < 3; k++) {
            r = r * 6364136223846793005u + 1442695040888963407u;
            text[(r >> 33) % (sizeof(seed) - 1)] = r & 1 ? spice[(r >> 13) % (sizeof(spice) - 1)]
                                                         : seed[(r >> 20) % (sizeof(seed) - 1)];
        }
        FILE *f = fopen(path, "we");
        fwrite(text, 1, sizeof(seed) - 1, f);
        fclose(f);
        T_TRY(dm_dags_load(&a, path, &world, &set, &err), err);
        _cleanup_strbuf_ struct dm_strbuf b;
        dm_strbuf_init(&b, DM_BUF_TEXT);
        for (size_t i = 0; i < set.n_diags; i++) {
            T_OK(set.diags[i].line <= 10 && !b.full);
            dm_diag_format(&b, &set.diags[i]);
        }
        T_OK(set.n_dags + set.n_diags > 0);
    }
}

static const char beyond[] =
    "d:\n"
    "  start_date: 2024-01-31\n"
    "  schedule: {datasets: '(s3://a & s3://b) | s3://c'}\n"
    "  on_failure_callback: {callback: json.dumps, indent: 2}\n"
    "  task_groups:\n"
    "    - {group_name: in, parent_group_name: out, default_args: {retries: 3}}\n"
    "    - {group_name: out, dependencies: [a], default_args: {retries: 2, pool: p}}\n"
    "  tasks:\n"
    "    - {task_id: a, operator: bash, bash_command: echo}\n"
    "    - {task_id: b, operator: bash, task_group_name: in, expand: {bash_command: a.output}}\n"
    "    - {task_id: c, operator: empty, task_group_name: out, dependencies: [b]}\n"
    "    - {task_id: e, operator: empty, dependencies: [out], outlets: [s3://x]}\n";

/* A run that left one of these out in silence would be another run than the one that was asked for. */
static void what_cannot_run_yet_is_refused(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    findings(&s, beyond);
    T_INT(s.set.n_dags, 0);
    T_HAS(s.shown, "dags/a.yaml:4:24: error: on_failure_callback names a Python function");
    T_HAS(findings(&s, "d:\n  tasks:\n    t: {decorator: airflow.decorators.task}\n"),
          "is a decorated Python function");
    T_HAS(
        findings(&s, "d:\n  tasks:\n    t: {operator: wait, never_fail: true, soft_fail: true}\n"),
        "has both soft_fail and never_fail");
}

static const struct dm_task *task(const struct dm_dag *d, const char *id)
{
    const struct dm_task *t = dm_task_find(d, dm_str_c(id));
    if (!t)
        DM_BUG("there is no task %s", id);
    return t;
}

static void the_model_has_it_and_comes_back_whole(void)
{
    _cleanup_scene_ struct scene s;
    _cleanup_strbuf_ struct dm_strbuf b, c;
    struct dm_dag *again;
    struct dm_err err;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_strbuf_init(&c, DM_BUF_TEXT);
    scene_begin(&s);
    write_file(&s, "dags/a.yaml", beyond);
    load_as(&s, true);
    T_STR(s.shown, "");
    const struct dm_dag *d = dm_dag_find(&s.set, DM_STR("d"));
    T_OK(d != NULL);
    T_INT(dm_timetable_kind(d->timetable), DM_TIMETABLE_ASSET);
    T_INT(d->n_groups, 2);
    T_STR(d->groups[1].group_id, "out.in");
    T_STR(d->groups[1].parent, "out");
    T_STR(d->groups[0].upstream_tasks[0], "a");
    const struct dm_task *mapped = task(d, "out.in.b"), *last = task(d, "e");
    T_STR(mapped->group, "out.in");
    T_INT(mapped->retries, 3);
    T_STR(mapped->pool, "p");
    T_STR(d->tasks[mapped->upstream[0]].task_id, "a");
    T_DMSTR(dm_map_str(dm_map_at(mapped->expand, "bash_command"), "task_id", ""), "a");
    T_INT(last->n_upstream, 1);
    T_STR(d->tasks[last->upstream[0]].task_id, "out.c");
    T_OK(last->outlets != NULL);
    dm_dag_to_json(&b, d);
    T_TRY(dm_dag_from_json(&s.a, dm_strbuf_str(&b), &again, &err), err);
    dm_dag_to_json(&c, again);
    T_OK(dm_str_eq(dm_strbuf_str(&b), dm_strbuf_str(&c)));
    _cleanup_arena_ struct dm_arena other = {0};
    struct dm_arena first = {0};
    struct dm_dag *copy;
    T_TRY(dm_dag_from_json(&first, dm_strbuf_str(&b), &again, &err), err);
    T_TRY(dm_dag_copy(&other, again, &copy, &err), err);
    dm_arena_release(&first); /* nothing of it is the copy's */
    T_STR(copy->generation, d->generation);
    dm_strbuf_clear(&c);
    dm_dag_to_json(&c, copy);
    T_OK(dm_str_eq(dm_strbuf_str(&b), dm_strbuf_str(&c)));
}

static void a_param_keeps_to_its_schema(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    T_HAS(findings(&s, "d:\n  params: {n: {__type__: airflow.models.param.Param, default: 11, "
                       "type: integer, maximum: 10}}\n  tasks: {}\n"),
          "dags/a.yaml:2:15: error: the param n: 11 is more than 10");
    T_HAS(findings(&s,
                   "d:\n  params: {n: {__type__: airflow.sdk.Param, type: intger}}\n  tasks: {}\n"),
          "the param n: there is no type \"intger\" in a schema");
    T_HAS(s.shown, "Did you mean \"integer\"?");
    T_HAS(findings(&s, "d:\n  tasks:\n    t: {operator: empty, retry_delay: {__type__: "
                       "datetime.timedelta, hour: 1}}\n"),
          "datetime.timedelta: it takes no \"hour\"");
    T_HAS(findings(&s, "d:\n  tasks:\n    t: {operator: empty, retry_delay: {__type__: "
                       "datetime.timedelte, hours: 1}}\n"),
          "Did you mean \"datetime.timedelta\"?");
}

static void rare_keys_come_back_as_they_were(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    T_STR(findings(&s,
                   "d:\n  is_paused_upon_creation: false\n  max_consecutive_failed_dag_runs: 3\n"
                   "  tasks:\n    t: {operator: empty, max_active_tis_per_dagrun: 2}\n"
                   "e:\n  tasks: {t: {operator: empty}}\n"
                   "f:\n  is_paused_upon_creation: true\n  tasks: {t: {operator: empty}}\n"),
          "");
    T_INT(s.set.dags[0]->paused_upon_creation, 0);
    T_INT(s.set.dags[0]->max_consecutive_failed_dag_runs, 3);
    T_INT(s.set.dags[0]->tasks[0].max_active_tis_per_dagrun, 2);
    T_INT(s.set.dags[1]->paused_upon_creation, -1);
    T_INT(s.set.dags[1]->max_consecutive_failed_dag_runs, 0);
    T_INT(s.set.dags[1]->tasks[0].max_active_tis_per_dagrun, 0);
    T_INT(s.set.dags[2]->paused_upon_creation, 1);
    T_HAS(findings(&s, "d:\n  is_paused_upon_creation: 1\n  max_consecutive_failed_dag_runs: -1\n"
                       "  tasks: {t: {operator: empty}}\n"),
          "is_paused_upon_creation must be true or false");
    T_HAS(s.shown, "max_consecutive_failed_dag_runs must be a whole number of at least 0");
}

static const char *joined(struct scene *s, const char *const *names, size_t n)
{
    struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < n; i++)
        dm_strbuf_addf(&b, "%s%s", i ? " " : "", names[i]);
    const char *out = dm_str_cstr(&s->a, dm_strbuf_str(&b));
    dm_strbuf_release(&b);
    return out;
}

static void one_file_loads_as_with_its_folder(void)
{
    _cleanup_scene_ struct scene s;
    struct dm_dag_set one;
    struct dm_err err;
    scene_begin(&s);
    write_file(&s, "dags/defaults.yml", "default_args: {retries: 4}\n");
    write_file(&s, "dags/sub/q.sql", "select 1");
    write_file(&s, "dags/other.yaml", "o: {tasks: {t: {operator: empty}}}\n");
    write_file(&s, "dags/sub/a.yaml", "d: {tasks: {t: {operator: sql, sql: q.sql}}}\n");
    load(&s);
    const char *dags = dm_path_join(&s.a, s.dir, "dags");
    struct dm_load_world world = {.project_dir = s.dir, .dags_dir = dags, .ops = &ops};
    T_TRY(dm_dags_load(&s.a, dm_path_join(&s.a, dags, "sub/a.yaml"), &world, &one, &err), err);
    T_INT(one.n_dags, 1);
    T_INT(one.dags[0]->tasks[0].retries, 4);
    T_STR(one.dags[0]->generation, dm_dag_find(&s.set, DM_STR("d"))->generation);
    /* What would count if it were there is in the list too. */
    T_STR(joined(&s, one.depends, one.n_depends),
          "dags/defaults.yml dags/sub/a.yaml dags/sub/defaults.yaml dags/sub/defaults.yml "
          "dags/sub/q.sql");
}

static void a_scan_gives_what_a_load_reads(void)
{
    _cleanup_scene_ struct scene s;
    struct dm_dag_scan scan;
    struct dm_err err;
    scene_begin(&s);
    static const char *const names[] = {
        "b.yaml",       "a.yml",    "sub/c.yaml",      "defaults.yml",  "x/y/z.yaml",
        ".hidden.yaml", "read.txt", "setup/load.yaml", ".cache/a.yaml", "Z.YAML"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        write_file(&s, names[i], "{}\n");
    struct dm_load_world world = {.project_dir = s.dir, .ops = &ops};
    T_TRY(dm_dags_scan(&s.a, s.dir, &world, &scan, &err), err);
    for (size_t i = 0; i < scan.n_files; i++)
        scan.files[i] += strlen(s.dir);
    for (size_t i = 0; i < scan.n_folders; i++)
        scan.folders[i] += strlen(s.dir);
    T_STR(joined(&s, scan.files, scan.n_files), "/a.yml /b.yaml /sub/c.yaml /x/y/z.yaml");
    T_STR(joined(&s, scan.folders, scan.n_folders), " /setup /sub /x /x/y");
}

static const char *conf_says(struct scene *s, const char *conf)
{
    struct dm_value *v = NULL;
    struct dm_err err;
    if (conf && dm_value_from_json(&s->a, dm_str_c(conf), &v, NULL) < 0)
        DM_BUG("no JSON: %s", conf);
    return dm_params_check(s->set.dags[0], v, &err) < 0 ? dm_arena_strdup(&s->a, err.message) : "";
}

static void a_conf_keeps_to_the_params(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    T_STR(findings(&s,
                   "d:\n  params:\n    plain: 1\n"
                   "    n: {__type__: airflow.sdk.Param, default: 5, type: integer, maximum: 9}\n"
                   "    must: {__type__: airflow.sdk.Param, type: array, items: {type: string}}\n"
                   "  tasks: {t: {operator: empty}}\n"),
          "");
    T_STR(conf_says(&s, "{\"must\": [\"a\"], \"plain\": \"x\", \"other\": {}}"), "");
    T_HAS(conf_says(&s, NULL), "the param must of the DAG \"d\" has no value");
    T_STR(
        conf_says(&s, "{\"must\": [\"a\", 2]}"),
        "the conf does not fit the params of the DAG \"d\": must[1]: 2 is of the type integer, not "
        "\"string\"");
    T_HAS(conf_says(&s, "{\"must\": [], \"n\": 10}"), "n: 10 is more than 9");
    /* A scheduled run has nobody to ask. */
    T_HAS(findings(&s, "d:\n  schedule: '@daily'\n  start_date: 2024-01-31\n"
                       "  params: {must: {__type__: airflow.sdk.Param, type: array}}\n"
                       "  tasks: {t: {operator: empty}}\n"),
          "the param \"must\" has no value");
}

static int64_t start_of(struct scene *s, const char *date)
{
    const char *text =
        dm_arena_printf(&s->a, "d:\n  start_date: %s\n  tasks: {t: {operator: empty}}\n", date);
    T_STR(findings(s, text), "");
    return s->set.n_dags ? s->set.dags[0]->start_date : 0;
}

static void a_date_may_be_written_in_many_ways(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    int64_t day = 1706659200 * DM_SEC; /* 2024-01-31 */
    T_INT(start_of(&s, "'20240131'"), day);
    T_INT(start_of(&s, "2024/01/31"), day);
    T_INT(start_of(&s, "'2024-030'"), day - DM_DAY);
    T_INT(start_of(&s, "'2024-W05'"), day - 2 * DM_DAY);
    T_INT(start_of(&s, "'2024-W05-2'"), day - DM_DAY);
    T_INT(start_of(&s, "2024W054"), day + DM_DAY);
    T_INT(start_of(&s, "'2024-01-31T06:30:00,5'"), day + 390 * DM_MIN + DM_SEC / 2);
    T_INT(start_of(&s, "now"), 0); /* the clock of these tests */
    T_INT(start_of(&s, "'2024-01'"), day - 30 * DM_DAY);
    T_INT(start_of(&s, "'2024-01-31T06'"), day + 6 * DM_HOUR);
    T_INT(start_of(&s, "'20240131T063005'"), day + 6 * DM_HOUR + 30 * DM_MIN + 5 * DM_SEC);
    T_INT(start_of(&s, "'20240131T06:30'"), day + 6 * DM_HOUR + 30 * DM_MIN);
    static const char *const wrong[] = {"20240132",      "2024/13/01", "2024-01-31T6",
                                        "20240131T2460", "2024-367",   "2024-031",
                                        "2024-W05-3",    "2024-W54",   "2024-W05-8"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *text = dm_arena_printf(
            &s.a, "d:\n  start_date: '%s'\n  tasks: {t: {operator: empty}}\n", wrong[i]);
        T_HAS(findings(&s, text), "is no date");
    }
}

static void the_zone_of_an_object_counts_for_a_task(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    int64_t day = 1706659200 * DM_SEC; /* 2024-01-31 */
    T_STR(findings(&s, "d:\n"
                       "  start_date: {__type__: pendulum.datetime, __args__: [2024, 1, 31],\n"
                       "               tz: Asia/Tokyo}\n"
                       "  tasks:\n"
                       "    a: {operator: empty, start_date: {__type__: pendulum.datetime,\n"
                       "        year: 2024, month: 2, day: 1, tz: Asia/Tokyo}}\n"
                       "    b: {operator: empty, start_date: {__type__: datetime.datetime,\n"
                       "        year: 2024, month: 2, day: 1,\n"
                       "        tzinfo: {__type__: pendulum.timezone, name: America/New_York}}}\n"
                       "    c: {operator: empty, start_date: {__type__: datetime.datetime,\n"
                       "        __args__: [2024, 2, 1]}}\n"),
          "");
    const struct dm_dag *d = s.set.dags[0];
    T_INT(d->start_date, day); /* a DAG's wall clock is read in the DAG's zone */
    T_INT(d->tasks[0].start_date, day + 15 * DM_HOUR);
    T_INT(d->tasks[1].start_date, day + 29 * DM_HOUR);
    T_INT(d->tasks[2].start_date, day + DM_DAY);
    T_HAS(findings(&s,
                   "d: {tasks: {a: {operator: empty, start_date: {__type__: pendulum.datetime,\n"
                   "  __args__: [2024, 2, 1], tz: Asia/Nowhere}}}}\n"),
          "Asia/Nowhere");
    T_HAS(
        findings(&s, "d: {start_date: {__type__: pendulum.today}, tasks: {a: {operator: empty}}}"),
        "Write the day, or \"1 days\" before today.");
}

static void defaults_give_no_dependencies_and_no_title(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    T_STR(findings(&s, "d:\n"
                       "  default_args: {dependencies: [a], task_display_name: all, owner: ann}\n"
                       "  tasks:\n"
                       "    a: {operator: empty}\n"
                       "    b: {operator: empty, task_display_name: mine, do_xcom_push: null}\n"),
          "");
    const struct dm_dag *d = s.set.dags[0];
    T_INT(d->tasks[1].n_upstream, 0);
    T_OK(!d->tasks[0].display_name && d->tasks[0].do_xcom_push);
    T_STR(d->tasks[1].display_name, "mine");
    T_OK(!d->tasks[1].do_xcom_push); /* a null is Python's None */
    T_STR(d->tasks[1].owner, "ann");
    T_HAS(
        findings(&s, "d: {default_args: {task_display_name: [a]}, tasks: {a: {operator: empty}}}"),
        "task_display_name of task \"a\" must be a text");
}

static void what_a_mapped_task_has_in_partial_is_its_own(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    T_STR(findings(&s, "d:\n  default_args: {retries: 1, pool: all}\n"
                       "  tasks:\n"
                       "    t: {operator: bash, expand: {bash_command: [a, b]},\n"
                       "        partial: {retries: 4, trigger_rule: always, env: {A: x}}}\n"),
          "");
    const struct dm_task *t = &s.set.dags[0]->tasks[0];
    T_INT(t->retries, 4);
    T_INT(t->trigger_rule, DM_RULE_ALWAYS);
    T_STR(t->pool, "all");
}

static void values_count_as_python_takes_them(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    T_STR(findings(&s, "d:\n  params: false\n  template_searchpath: sql\n"
                       "  default_args: {dependencies: [nowhere], params: ''}\n"
                       "  tasks:\n"
                       "    t: {operator: empty, retries: true, retry_delay: true,\n"
                       "        do_xcom_push: null, ignore_first_depends_on_past: null}\n"
                       "    u: {operator: empty, retries: 2.5, priority_weight: true}\n"),
          "");
    const struct dm_dag *d = s.set.dags[0];
    T_INT(d->template_searchpath->kind, DM_LIST);
    T_INT(d->tasks[0].retries, 1);
    T_INT(d->tasks[0].retry_delay_us, DM_SEC);
    T_OK(!d->tasks[0].do_xcom_push && !d->tasks[0].ignore_first_depends_on_past);
    T_INT(d->tasks[1].retries, 2);
    T_INT(d->tasks[1].n_upstream, 0);
    T_HAS(findings(&s, "d: {tasks: {t: {decorator: airflow.decorators.setup}}}\n"),
          "the decorator of task \"t\" is not known");
    T_HAS(s.shown, "task \"t\" has no python_callable");
    T_HAS(findings(&s, "d: {tasks: {t: {operator: empty, dependencies: [null]}}}\n"),
          "a dependency of task \"t\" must be a task_id, not a null");
    T_STR(s.set.diags[0].code, "missing_dependency");
    T_HAS(findings(&s, "d: {tasks: {t: {operator: empty, pool_slots: null}}}\n"),
          "pool_slots of task \"t\" must be a whole number, not a null");
    T_HAS(findings(&s, "d: {tasks: {t: {operator: wait, mode: null, timeout: null}}}\n"),
          "timeout of task \"t\" must not be null");
    T_HAS(s.shown, "mode of task \"t\" must not be null");
}

static void a_mapped_task_differs_in_its_operators_fields(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    T_HAS(
        findings(&s, "d: {tasks: {t: {operator: bash, expand: {pool: [a], bash_command: [x]}}}}\n"),
        "\"pool\" of task \"t\" is the same for all instances");
    T_STR(findings(&s, "d:\n  tasks:\n    t: {operator: empty}\n"
                       "    u: {operator: bash, expand: {bash_command: t.outputs}}\n"
                       "    v: {operator: bash, expand: {bash_command: 'of XcomArg((t)) all'}}\n"),
          "");
    T_INT(s.set.dags[0]->tasks[1].n_upstream, 1);
    T_INT(s.set.dags[0]->tasks[2].n_upstream, 1);
}

/* What dag-factory 1.1.0 alone refuses or lets pass; here it is the other way round. */
static void the_model_is_as_narrow_as_dag_factory(void)
{
    static const struct {
        const char *text, *finding;
        bool here;
    } files[] = {
        {"tasks: {t: {operator: empty, is_setup: true}}", "has no key \"is_setup\"", true},
        {"template_searchpath: sql, tasks: {}", "is no absolute path of a folder", true},
        {"tasks: {t: {operator: bash, bash_command: x, expand: null}}", "must be a map", true},
        {"tags: null, tasks: {t: {operator: empty}}", "tags must be a list", true},
        {"default_view: null, tasks: {t: {operator: empty}}", "that is no default_view", true},
        {"tasks: {t: {operator: empty, params: {n: {__type__: airflow.models.param.Param, "
         "default: 5, maximum: 3}}}}",
         "the param n: 5 is more than 3", false},
        {"tasks: {t: {operator: bash, bash_command: null}}", "needs bash_command", false},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        for (int model = 0; model < 2; model++) {
            _cleanup_scene_ struct scene s;
            scene_begin(&s);
            write_file(&s, "dags/a.yaml",
                       dm_arena_printf(&s.a, "d: {start_date: 2024-01-01, schedule: null, %s}\n",
                                       files[i].text));
            load_as(&s, model);
            T_INT(s.set.n_dags, files[i].here == !model);
            if (!s.set.n_dags)
                T_HAS(s.shown, files[i].finding);
        }
}

static void dates_in_default_args_are_those_of_the_tasks(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    int64_t day = 1706659200 * DM_SEC; /* 2024-01-31 */
    /* The DAG has its own: its tasks may begin later and end earlier, not the other way round. */
    T_STR(findings(&s, "d:\n  start_date: 2024-01-31\n  end_date: 2024-03-31\n"
                       "  default_args: {start_date: 2024-02-01, end_date: 2024-05-01}\n"
                       "  tasks:\n"
                       "    a: {operator: empty}\n"
                       "    b: {operator: empty, start_date: 2024-01-01T00:00:00}\n"),
          "");
    const struct dm_dag *d = s.set.dags[0];
    T_INT(d->start_date, day);
    T_INT(d->tasks[0].start_date, day + DM_DAY);
    T_INT(d->tasks[0].end_date, DM_NEVER);
    T_INT(d->tasks[1].start_date, DM_NEVER);
    /* It has none: it begins with the first task, and ends with the last one. */
    T_STR(findings(&s, "d:\n  default_args: {start_date: 2024-01-31, end_date: 2024-03-31,\n"
                       "                 timezone: utc}\n"
                       "  tasks:\n"
                       "    a: {operator: empty}\n"
                       "    b: {operator: empty, start_date: 2024-01-30T00:00:00,\n"
                       "        end_date: 2024-04-01T00:00:00}\n"),
          "");
    d = s.set.dags[0];
    T_INT(d->start_date, day - DM_DAY);
    T_INT(d->end_date, day + 61 * DM_DAY);
    T_INT(d->tasks[0].start_date, day);
    T_INT(d->tasks[0].end_date, day + 60 * DM_DAY);
    T_INT(d->tasks[1].start_date, DM_NEVER);
    /* One task without an end is enough for runs without one. */
    T_STR(findings(&s, "d:\n  default_args: {start_date: 2024-01-31}\n"
                       "  tasks:\n"
                       "    a: {operator: empty}\n"
                       "    b: {operator: empty, end_date: 2024-04-01T00:00:00}\n"),
          "");
    T_INT(s.set.dags[0]->end_date, DM_NEVER);
    T_INT(s.set.dags[0]->tasks[1].end_date, day + 61 * DM_DAY);
}

static const char *kept(struct scene *s, const char *patterns, bool regexp)
{
    struct dm_dag_scan scan;
    struct dm_err err;
    struct dm_load_world world = {.project_dir = s->dir, .ops = &ops, .ignore_regexp = regexp};
    write_file(s, ".airflowignore", patterns);
    if (dm_dags_scan(&s->a, s->dir, &world, &scan, &err) < 0)
        DM_BUG("%s", err.message);
    for (size_t i = 0; i < scan.n_files; i++)
        scan.files[i] += strlen(s->dir) + 1;
    return joined(s, scan.files, scan.n_files);
}

static void airflowignore_is_obeyed_in_both_languages(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    static const char *const names[] = {"a.yaml", "b_old.yaml", "sub/c.yaml", "sub/keep.yaml",
                                        "sub/x/d.yaml"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        write_file(&s, names[i], "{}\n");
    T_STR(kept(&s, "*_old.yaml # gone\n\n# sub\n", false),
          "a.yaml sub/c.yaml sub/keep.yaml sub/x/d.yaml");
    T_STR(kept(&s, "sub/\n", false), "a.yaml b_old.yaml");
    T_STR(kept(&s, "c.yaml/\n", false), "a.yaml b_old.yaml sub/c.yaml sub/keep.yaml sub/x/d.yaml");
    T_STR(kept(&s, "/c.yaml\nsub/c.*\n", false), "a.yaml b_old.yaml sub/keep.yaml sub/x/d.yaml");
    T_STR(kept(&s, "*.yaml\n!keep.yaml\n", false), "sub/keep.yaml");
    T_STR(kept(&s, "**/x/**\n[!b]*_old.yaml\n?.yaml\n", false), "b_old.yaml sub/keep.yaml");
    T_STR(kept(&s, "sub/[a-d]\\.\n*bad\n_old", true), "a.yaml sub/keep.yaml sub/x/d.yaml");
    T_STR(kept(&s, "^sub$\n", true), "a.yaml b_old.yaml");
    write_file(&s, "sub/.airflowignore", "!c.yaml\n");
    T_STR(kept(&s, "*.yaml\n", false), "sub/c.yaml");
}

T_MAIN(T_CASE(both_forms_give_the_same_dag),
       T_CASE(all_mistakes_are_shown_with_place_and_nearest_name), T_CASE(a_circle_is_named),
       T_CASE(one_bad_file_leaves_the_others), T_CASE(defaults_come_in_layers),
       T_CASE(what_says_nothing_is_as_if_not_given),
       T_CASE(environment_variables_keep_places_right),
       T_CASE(named_files_belong_to_the_generation), T_CASE(only_files_are_read),
       T_CASE(the_normal_form_comes_back_as_it_was), T_CASE(what_cannot_run_yet_is_refused),
       T_CASE(the_model_has_it_and_comes_back_whole), T_CASE(a_param_keeps_to_its_schema),
       T_CASE(rare_keys_come_back_as_they_were), T_CASE(one_file_loads_as_with_its_folder),
       T_CASE(a_scan_gives_what_a_load_reads), T_CASE(a_conf_keeps_to_the_params),
       T_CASE(a_date_may_be_written_in_many_ways), T_CASE(the_zone_of_an_object_counts_for_a_task),
       T_CASE(defaults_give_no_dependencies_and_no_title),
       T_CASE(what_a_mapped_task_has_in_partial_is_its_own),
       T_CASE(values_count_as_python_takes_them),
       T_CASE(a_mapped_task_differs_in_its_operators_fields),
       T_CASE(the_model_is_as_narrow_as_dag_factory),
       T_CASE(dates_in_default_args_are_those_of_the_tasks),
       T_CASE(airflowignore_is_obeyed_in_both_languages), T_CASE(mutated_files_end))
