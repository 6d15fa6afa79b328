/* lang/dag_callback.c: what may follow a task or a run, in each of its forms, and what is said of mistakes. */
#include "lang/op_spec.h"

static const struct dm_op_field empty_fields[] = {{NULL}};
static const struct dm_op_field bash_fields[] = {
    {.name = "bash_command", .type = DM_FIELD_STRING, .required = true, .templated = true},
    {.name = "cwd", .type = DM_FIELD_STRING, .fallback = "\"/\""},
    {NULL}};
static const struct dm_op_field http_fields[] = {
    {.name = "endpoint", .type = DM_FIELD_STRING, .required = true, .templated = true},
    {.name = "method", .type = DM_FIELD_STRING, .fallback = "\"POST\""},
    {.name = "headers", .type = DM_FIELD_MAP, .templated = true},
    {.name = "data", .type = DM_FIELD_ANY, .templated = true},
    {.name = "http_conn_id", .type = DM_FIELD_STRING},
    {NULL}};
static const struct dm_op_field python_fields[] = {
    {.name = "python_callable", .type = DM_FIELD_ANY, .required = true},
    {.name = "op_kwargs", .type = DM_FIELD_MAP, .templated = true},
    {NULL}};
static const struct dm_op_field email_fields[] = {
    {.name = "to", .type = DM_FIELD_STRING_OR_LIST, .required = true, .templated = true},
    {.name = "subject", .type = DM_FIELD_STRING, .required = true, .templated = true},
    {.name = "html_content", .type = DM_FIELD_STRING, .required = true, .templated = true},
    {.name = "conn_id", .type = DM_FIELD_STRING, .alias = "smtp_conn_id"},
    {NULL}};
static const char *const bash_names[] = {"airflow.operators.bash.BashOperator", NULL};
static const struct dm_op_spec empty_op = {.name = "empty", .fields = empty_fields},
                               bash_op = {.name = "bash",
                                          .aliases = bash_names,
                                          .fields = bash_fields},
                               http_op = {.name = "http", .fields = http_fields},
                               python_op = {.name = "python", .fields = python_fields},
                               email_op = {.name = "email", .fields = email_fields},
                               wait_op = {.name = "wait", .fields = empty_fields, .sensor = true};
static const struct dm_op_spec *const specs[] = {&empty_op, &bash_op, &http_op, &python_op,
                                                 &email_op, &wait_op, NULL};
static const struct dm_op_table ops = {specs, NULL};

#include "scene.h"

static const char *of(struct scene *s, const struct dm_callback *list, size_t n)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < n; i++)
        dm_strbuf_addf(&b, "%s%s %s %.*s", i ? "\n" : "", dm_callback_key(list[i].on),
                       list[i].operator_name, DM_FMT(dm_value_json(&s->a, list[i].args)));
    return dm_str_cstr(&s->a, dm_strbuf_str(&b));
}

/* What the last task of a DAG does after a failure and the like. */
static const char *of_task(struct scene *s, const char *yaml)
{
    T_STR(findings(s, yaml), "");
    const struct dm_dag *d = s->set.n_dags ? s->set.dags[0] : NULL;
    return d ? of(s, d->tasks[d->n_tasks - 1].callbacks, d->tasks[d->n_tasks - 1].n_callbacks) : "";
}

static void each_form_becomes_an_operator(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    write_file(&s, "dags/fns.py", "def notify(context, channel=None):\n    pass\n");
    T_STR(of_task(&s,
                  "d: {tasks: {t: {operator: empty, on_failure_callback: {operator: "
                  "airflow.operators.bash.BashOperator, bash_command: 'echo {{ exception }}'}}}}"),
          "on_failure_callback bash {\"bash_command\": \"echo {{ exception }}\", \"cwd\": \"/\"}");
    T_STR(
        of_task(&s,
                "d: {tasks: {t: {operator: empty, on_retry_callback: {webhook: "
                "'https://x.test/{{ ds }}', headers: {A: b}, body: {text: '{{ ti.task_id }}'}}}}}"),
        "on_retry_callback http {\"endpoint\": \"https://x.test/{{ ds }}\", \"method\": \"POST\", "
        "\"headers\": {\"A\": \"b\"}, \"data\": {\"text\": \"{{ ti.task_id }}\"}}");
    T_STR(of_task(&s,
                  "d: {tasks: {t: {operator: empty, on_success_callback: {callback: fns.notify, "
                  "channel: c}}}}"),
          "on_success_callback python {\"python_callable\": {\"__type__\": \"callable\", \"name\": "
          "\"fns.notify\", \"file\": \"dags/fns.py\", \"kwargs\": {\"channel\": \"c\"}, "
          "\"context\": true}}");
    T_HAS(of_task(&s, "d: {tasks: {t: {operator: empty, on_execute_callback: fns.notify}}}"),
          "\"name\": \"fns.notify\", \"file\": \"dags/fns.py\", \"context\": true");
    T_STR(of_task(&s, "d: {tasks: {t: {operator: empty, on_failure_callback: {callback: airflow."
                      "providers.smtp.notifications.smtp.send_smtp_notification, to: a@b.test, "
                      "smtp_conn_id: m}}}}"),
          "on_failure_callback email {\"to\": \"a@b.test\", \"subject\": "
          "\"{{ dag.dag_id }}.{{ ti.task_id }} failed\", \"html_content\": \"<p>{{ dag.dag_id "
          "}}.{{ ti.task_id }} failed in the run {{ run_id }}.</p>\", \"conn_id\": \"m\"}");
    T_STR(of_task(&s, "d: {tasks: {t: {operator: empty, on_skipped_callback: [{operator: bash, "
                      "bash_command: x}, {operator: empty}]}}}"),
          "on_skipped_callback bash {\"bash_command\": \"x\", \"cwd\": \"/\"}\n"
          "on_skipped_callback empty {}");
}

static void the_nearest_level_counts_and_the_form_comes_back(void)
{
    _cleanup_scene_ struct scene s;
    _cleanup_strbuf_ struct dm_strbuf b, c;
    struct dm_dag *again;
    struct dm_err err;
    scene_begin(&s);
    const char *yaml = "d:\n"
                       "  on_failure_callback: {operator: bash, bash_command: of the run}\n"
                       "  default_args:\n"
                       "    cwd: /tmp\n"
                       "    on_failure_callback: {operator: bash, bash_command: default}\n"
                       "    on_retry_callback: {operator: bash, bash_command: again}\n"
                       "  tasks:\n"
                       "    - {task_id: a, operator: empty}\n"
                       "    - {task_id: b, operator: empty, on_failure_callback: {operator: bash, "
                       "bash_command: own},\n"
                       "       on_retry_callback: null}\n";
    T_STR(findings(&s, yaml), "");
    const struct dm_dag *d = s.set.dags[0];
    T_STR(of(&s, d->callbacks, d->n_callbacks),
          "on_failure_callback bash {\"bash_command\": \"of the run\", \"cwd\": \"/\"}");
    T_STR(of(&s, d->tasks[0].callbacks, d->tasks[0].n_callbacks),
          "on_failure_callback bash {\"bash_command\": \"default\", \"cwd\": \"/\"}\n"
          "on_retry_callback bash {\"bash_command\": \"again\", \"cwd\": \"/\"}");
    T_STR(of(&s, d->tasks[1].callbacks, d->tasks[1].n_callbacks),
          "on_failure_callback bash {\"bash_command\": \"own\", \"cwd\": \"/\"}");
    T_INT(d->tasks[1].callbacks[0].line, 9);
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_strbuf_init(&c, DM_BUF_TEXT);
    dm_dag_to_json(&b, d);
    T_TRY(dm_dag_from_json(&s.a, dm_strbuf_str(&b), &again, &err), err);
    dm_dag_to_json(&c, again);
    T_OK(dm_str_eq(dm_strbuf_str(&b), dm_strbuf_str(&c)));
    T_INT(again->tasks[0].callbacks[1].args->map.pairs[0].value->line, 6);
}

static const char *json(struct scene *s, const struct dm_value *v)
{
    return v ? dm_str_cstr(&s->a, dm_value_json(&s->a, v)) : "";
}

/* The model keeps callbacks as callables; those of groups and defaults too, wherever they stand. */
static void the_model_says_what_is_called(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    write_file(&s, "dags/fns.py",
               "def f(context):\n    pass\nvalue = 5\nclass Plain:\n    def __call__(self, c):\n"
               "        pass\n\nclass Alarm:\n    def notify(self, c):\n        pass\n");
    write_file(&s, "dags/a.yaml",
               dm_arena_printf(&s.a,
                               "d:\n"
                               "  default_args:\n"
                               "    on_failure_callback: fns.Plain\n"
                               "    on_failure_callback_name: f\n"
                               "    on_failure_callback_file: %s/dags/fns.py\n"
                               "    on_retry_callback: {callback: fns.Alarm, level: 1}\n"
                               "  task_groups:\n"
                               "    g: {default_args: {on_retry_callback: fns.value}}\n"
                               "  tasks:\n"
                               "    a: {operator: empty, task_group_name: g,\n"
                               "        on_skipped_callback: {callback: fns.Plain, a: 1}}\n",
                               s.dir));
    load_as(&s, true);
    T_STR(s.shown, "");
    const struct dm_dag *d = s.set.n_dags ? s.set.dags[0] : NULL;
    if (!d)
        return;
    const struct dm_value *defaults = d->default_args, *task = d->tasks[0].callables;
    T_STR(dm_str_cstr(&s.a, dm_map_str(dm_map_at(defaults, "on_failure_callback"), "name", "")),
          "fns.f");
    T_OK(!dm_map_at(defaults, "on_failure_callback_name"));
    T_HAS(json(&s, dm_map_at(defaults, "on_retry_callback")), "\"object\": true");
    T_HAS(json(&s, dm_map_at(d->groups[0].default_args, "on_retry_callback")), "\"value\": true");
    T_STR(json(&s, dm_map_at(task, "on_retry_callback")),
          json(&s, dm_map_at(d->groups[0].default_args, "on_retry_callback")));
    T_HAS(json(&s, dm_map_at(task, "on_skipped_callback")), "\"partial\": true");
    write_file(&s, "dags/a.yaml",
               "d: {default_args: {on_failure_callback: {callback: fns.value},\n"
               "  sla_miss_callback: 5}, tasks: {a: {operator: empty}},\n"
               "  on_execute_callback: fns.nosuch}\n");
    load_as(&s, true);
    T_HAS(s.shown, "\"fns.value\" is a value, which cannot be called");
    T_HAS(s.shown, "sla_miss_callback must be a name or a map");
    T_HAS(s.shown, "dags/fns.py defines no \"nosuch\"");
}

static void mistakes_are_found_at_load(void)
{
    _cleanup_scene_ struct scene s;
    scene_begin(&s);
    write_file(&s, "dags/fns.py", "def notify(context):\n    pass\n");
#define WITH(callback) \
    findings(&s, "d: {tasks: {t: {operator: empty,\n  on_failure_callback: " callback "}}}")
    T_HAS(WITH("{operator: bash, bash_comand: x}"),
          "dags/a.yaml:2:41: error: on_failure_callback (bash) has no key \"bash_comand\"");
    T_HAS(s.shown, "Did you mean \"bash_command\"?");
    T_HAS(s.shown, "on_failure_callback (bash) needs bash_command");
    T_HAS(WITH("{operator: bash, bash_command: '{{ nosuch }}'}"), "no variable named \"nosuch\"");
    T_HAS(WITH("{operator: bsh}"), "there is no operator \"bsh\"");
    T_HAS(WITH("{operator: wait}"), "on_failure_callback is a sensor");
    T_HAS(WITH("{webhook: 'http://x', hedaers: {}}"), "a webhook has no key \"hedaers\"");
    T_HAS(WITH("fns.notfy"), "dags/fns.py defines no \"notfy\"");
    T_HAS(WITH("5"), "on_failure_callback must be a name or a map");
    T_HAS(WITH("{callback: airflow.providers.slack.notifications.slack_webhook."
               "send_slack_webhook_notification, text: x}"),
          "Write {webhook: https://hooks.slack.com/");
#undef WITH
    /* A mistake in default_args is said once, however many tasks have it. */
    findings(&s, "d: {default_args: {on_failure_callback: {operator: bsh}},\n"
                 "    tasks: {a: {operator: empty}, b: {operator: empty}}}");
    T_INT(s.set.n_errors, 1);
}

T_MAIN(T_CASE(each_form_becomes_an_operator),
       T_CASE(the_nearest_level_counts_and_the_form_comes_back),
       T_CASE(the_model_says_what_is_called), T_CASE(mistakes_are_found_at_load))
