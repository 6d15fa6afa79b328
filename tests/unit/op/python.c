/* `python` and what is made of it: how a function is called, and what becomes of its value or its error. */
#include "harness.h"

static const char functions[] =
    "import os\n" /* 1 */
    "from airflow.exceptions import AirflowFailException, AirflowSkipException\n"
    "def seen(a, ds, b=2, **context):\n" /* 3 */
    "    return [a, b, ds, context['logical_date'].year, 'ti' in context]\n"
    "def named(ds_nodash, params, missing=7):\n"
    "    return {'ds': ds_nodash, 'params': params, 'missing': missing}\n"
    "def boom():\n"
    "    raise ValueError('no\\ngood')\n" /* 8 */
    "def skip():\n"
    "    raise AirflowSkipException('enough')\n"
    "def final():\n"
    "    raise AirflowFailException('never')\n"
    "def echo(v):\n"
    "    return v\n"
    "def push(ti):\n"
    "    ti.xcom_push('k', {'x': 1})\n"
    "    return ti.xcom_pull(key='k')\n"
    "def strange():\n"
    "    return object()\n"
    "def crash():\n"
    "    os._exit(4)\n"
    "def leave():\n"
    "    raise SystemExit(0)\n"
    "def notify(context, channel):\n"
    "    context['ti'].xcom_push('told', [channel, context['ds']])\n"
    "def outputs(a) -> dict:\n"
    "    return {'one': a, 'two': 2}\n";

static void begin(struct h *h)
{
    h_begin(h);
    struct dm_value *files = dm_value_map(&h->arena), *params = dm_value_map(&h->arena);
    dm_map_set(&h->arena, files, "dags/f.py", dm_value_cstr(&h->arena, functions));
    dm_map_set(&h->arena, params, "p", dm_value_int(&h->arena, 5));
    h->order.files = files;
    h->order.params = params;
    h->order.dag_file = "dags/d.yaml";
    h->order.run_type = "manual";
    h->order.do_xcom_push = true;
    h->order.interval_start = h->order.interval_end = h->order.logical_date;
}

static int run(struct h *h, const char *op, const char *function, const char *more,
               const struct dm_value **ret)
{
    return h_run(h, op,
                 dm_arena_printf(&h->arena,
                                 "{\"python_callable\": {\"__type__\": \"callable\", \"name\": "
                                 "\"f.%s\", \"file\": \"dags/f.py\"}%s}",
                                 function, more),
                 ret);
}

static const char *json(struct h *h, const struct dm_value *v)
{
    return v ? dm_str_cstr(&h->arena, dm_value_json(&h->arena, v)) : "none";
}

static void a_function_gets_what_it_takes(void)
{
    struct h h;
    const struct dm_value *v;
    begin(&h);
    T_TRY(run(&h, "python", "seen", ", \"op_args\": [\"x\"], \"op_kwargs\": {\"b\": 3}", &v),
          h.err);
    T_STR(json(&h, v), "[\"x\", 3, \"2010-12-01\", 2010, true]");
    T_TRY(run(&h, "python", "named", ", \"op_kwargs\": {\"unknown\": 1}", &v), h.err);
    T_STR(json(&h, v), "{\"ds\": \"20101201\", \"params\": {\"p\": 5}, \"missing\": 7}");
    T_INT(run(&h, "python", "named", ", \"op_args\": [1]", &v), DM_E_TASK);
    T_HAS(h.err.message, "ds_nodash");
    T_INT(run(&h, "python_task", "named", ", \"op_kwargs\": {\"unknown\": 1}", &v), DM_E_TASK);
    T_HAS(h.err.message, "named() got an unexpected keyword argument 'unknown'");
    T_STR(h.err.file, "dags/f.py");
    T_INT(h.err.line, 5);
    T_TRY(run(&h, "python", "leave", "", &v), h.err);
    T_OK(v == NULL);
    h_end(&h);
}

static void errors_have_their_place(void)
{
    struct h h;
    const struct dm_value *v;
    begin(&h);
    T_INT(run(&h, "python", "boom", "", &v), DM_E_TASK);
    T_STR(h.err.file, "dags/f.py");
    T_INT(h.err.line, 8);
    T_STR(h.err.message, "ValueError: no good");
    T_OK(!h.at.no_retry);
    T_INT(run(&h, "python", "skip", "", &v), DM_E_SKIP);
    T_STR(h.err.message, "enough");
    T_INT(run(&h, "python", "final", "", &v), DM_E_TASK);
    T_OK(h.at.no_retry);
    T_INT(run(&h, "python", "strange", "", &v), DM_E_TASK);
    T_HAS(h.err.message, "the type object");
    T_INT(run(&h, "python", "crash", "", &v), DM_E_TASK);
    T_HAS(h.err.message, "exit code 4");
    T_INT(run(&h, "python", "echo", ", \"op_args\": [1], \"interpreter\": \"no-such-python\"", &v),
          DM_E_NOTFOUND);
    T_HAS(h.err.hint, "interpreter");
    h_end(&h);
}

static void values_come_and_go_whole(void)
{
    struct h h;
    const struct dm_value *v;
    begin(&h);
    T_TRY(
        run(&h, "python", "echo",
            ", \"op_args\": [{\"a\": [1, 2.5, null, true, \"\\u00fc\"], \"__type__\": \"other\"}]",
            &v),
        h.err);
    T_STR(json(&h, v), "{\"a\": [1, 2.5, null, true, \"\xc3\xbc\"], \"__type__\": \"other\"}");
    T_TRY(run(&h, "python", "echo", ", \"op_args\": [{\"__type__\": \"set\", \"items\": [2, 1]}]",
              &v),
          h.err);
    T_STR(json(&h, v), "[1, 2]");
    T_TRY(run(&h, "python", "push", "", &v), h.err);
    T_STR(json(&h, v), "{\"x\": 1}");
    T_TRY(run(&h, "python_task", "outputs", ", \"op_kwargs\": {\"a\": 1}", &v), h.err);
    h_close(&h);
    T_STR(h_text(&h, h_report(&h, 'X', 0), "key"), "k");
    T_STR(h_text(&h, h_report(&h, 'X', 1), "key"), "one");
    T_STR(h_text(&h, h_report(&h, 'X', 2), "key"), "two");
    h_end(&h);
}

static void a_value_decides(void)
{
    struct h h;
    const struct dm_value *v;
    begin(&h);
    T_TRY(run(&h, "python_branch", "echo", ", \"op_args\": [\"x\"]", &v), h.err);
    T_STR(json(&h, h.at.decision), "{\"follow\": [\"x\"]}");
    T_TRY(run(&h, "python_branch", "echo", ", \"op_args\": [null]", &v), h.err);
    T_STR(json(&h, h.at.decision), "{\"follow\": []}");
    T_INT(run(&h, "python_branch", "echo", ", \"op_args\": [1]", &v), DM_E_TASK);
    h.at.decision = NULL;
    T_TRY(run(&h, "python_short_circuit", "echo", ", \"op_args\": [\"no\"]", &v), h.err);
    T_OK(h.at.decision == NULL);
    T_TRY(run(&h, "python_short_circuit", "echo",
              ", \"op_args\": [[]], \"ignore_downstream_trigger_rules\": false", &v),
          h.err);
    T_STR(json(&h, h.at.decision), "{\"skip\": \"direct\"}");
    h_end(&h);
}

static void a_script_reads_the_context(void)
{
    struct h h;
    const struct dm_value *v;
    begin(&h);
    h_write(&h, "s.py",
            "import json, os, sys\nc = json.load(sys.stdin)\nprint('first')\n"
            "print(json.dumps([c['ds'], c['params'], c['logical_date'], sys.argv[1:], "
            "os.environ['AIRFLOW_CTX_TASK_ID']]))\n");
    h_write(&h, "t.sh", "cat >/dev/null; echo plain words; exit $1\n");
    T_TRY(h_run(&h, "python", "{\"script\": \"s.py\", \"args\": [\"x\", 1]}", &v), h.err);
    T_STR(json(&h, v),
          "[\"2010-12-01\", {\"p\": 5}, \"2010-12-01T00:00:00+00:00\", [\"x\", \"1\"], \"t\"]");
    T_TRY(
        h_run(&h, "python", "{\"script\": \"t.sh\", \"args\": [0], \"interpreter\": \"bash\"}", &v),
        h.err);
    T_DMSTR(v->s, "plain words");
    T_INT(h_run(&h, "python", "{\"script\": \"t.sh\", \"args\": [99], \"interpreter\": \"bash\"}",
                &v),
          DM_E_SKIP);
    T_INT(h_run(&h, "python", "{\"script\": \"none.py\"}", &v), DM_E_NOTFOUND);
    h_end(&h);
}

static void a_callback_gets_the_context_whole(void)
{
    struct h h;
    const struct dm_value *v;
    begin(&h);
    T_TRY(h_run(&h, "python",
                "{\"python_callable\": {\"__type__\": \"callable\", \"name\": \"f.notify\", "
                "\"file\": \"dags/f.py\", \"kwargs\": {\"channel\": \"c\"}, \"context\": true}}",
                &v),
          h.err);
    h_close(&h);
    T_STR(json(&h, dm_map_at(h_report(&h, 'X', 0), "value")), "[\"c\", \"2010-12-01\"]");
    h_end(&h);
}

T_MAIN(T_CASE(a_callback_gets_the_context_whole), T_CASE(a_function_gets_what_it_takes),
       T_CASE(errors_have_their_place), T_CASE(values_come_and_go_whole), T_CASE(a_value_decides),
       T_CASE(a_script_reads_the_context))
