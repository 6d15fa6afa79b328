/*
 * Python, run by an interpreter beside us: scripts, and functions as Airflow's PythonOperator and the operators made
 * of it call them (python_call.h).
 */
#include "op/python_call.h"
#include "op/sensor.h"

#define STANDARD(name) "airflow.providers.standard.operators.python." name
#define OPERATORS(name) "airflow.operators.python." name
#define OLDER(name) "airflow.operators.python_operator." name

static const char *const python_aliases[] = {"PythonOperator", OPERATORS("PythonOperator"),
                                             OLDER("PythonOperator"), STANDARD("PythonOperator"),
                                             NULL};
/* What the loader makes of `decorator: airflow.decorators.task`. */
static const char *const task_aliases[] = {"airflow.decorators.python._PythonDecoratedOperator",
                                           NULL};
static const char *const branch_aliases[] = {
    "BranchPythonOperator", OPERATORS("BranchPythonOperator"), OLDER("BranchPythonOperator"),
    STANDARD("BranchPythonOperator"), NULL};
static const char *const short_aliases[] = {
    "ShortCircuitOperator", OPERATORS("ShortCircuitOperator"), OLDER("ShortCircuitOperator"),
    STANDARD("ShortCircuitOperator"), NULL};
static const char *const sensor_aliases[] = {
    "PythonSensor", "airflow.sensors.python.PythonSensor",
    "airflow.contrib.sensors.python_sensor.PythonSensor",
    "airflow.providers.standard.sensors.python.PythonSensor", NULL};

#define CALLABLE_DOC                                                                             \
    "The function: module.function (a file beside the DAG, in the folder of all DAGs or in the " \
    "project), or python_callable_name with python_callable_file."
#define FUNCTION_FIELDS                                                                             \
    {"op_args", DM_FIELD_LIST, false, true, "[]", "Positional arguments of the function.", NULL},   \
        {"op_kwargs", DM_FIELD_MAP,                                                                 \
         false,       true,                                                                         \
         "{}",        "Named arguments; what of the context the function takes comes beside them.", \
         NULL},                                                                                     \
        {"templates_dict",                                                                          \
         DM_FIELD_MAP,                                                                              \
         false,                                                                                     \
         true,                                                                                      \
         NULL,                                                                                      \
         "Templates that the function gets rendered, as templates_dict.",                           \
         NULL},                                                                                     \
        {"templates_exts",                                                                          \
         DM_FIELD_LIST,                                                                             \
         false,                                                                                     \
         false,                                                                                     \
         NULL,                                                                                      \
         "Accepted as in Airflow; templates_dict names no files here.",                             \
         NULL},                                                                                     \
        {"show_return_value_in_logs",                                                               \
         DM_FIELD_BOOL,                                                                             \
         false,                                                                                     \
         false,                                                                                     \
         "true",                                                                                    \
         "Write the returned value to the log.",                                                    \
         NULL},                                                                                     \
        {"provide_context",                                                                         \
         DM_FIELD_BOOL,                                                                             \
         false,                                                                                     \
         false,                                                                                     \
         NULL,                                                                                      \
         "Accepted as in Airflow 2: what of the context the function takes comes by itself.",       \
         NULL},                                                                                     \
    {                                                                                               \
        "multiple_outputs", DM_FIELD_BOOL, false, false, NULL,                                      \
            "The function returns a dict: each of its keys becomes an XCom of its own, too.", NULL  \
    }
#define PROCESS_FIELDS                                                                            \
    {"interpreter",                                                                               \
     DM_FIELD_STRING,                                                                             \
     false,                                                                                       \
     true,                                                                                        \
     "\"python3\"",                                                                               \
     "What runs it: a name, or a path relative to the project, e.g. venv/bin/python.",            \
     NULL},                                                                                       \
        {"env", DM_FIELD_MAP, false,                                                              \
         true,  NULL,         "Environment variables added to the inherited ones.",               \
         NULL},                                                                                   \
    {                                                                                             \
        "cwd", DM_FIELD_STRING, false, true, NULL,                                                \
            "Folder to run in; relative to the project.  Default: the run's own scratch folder.", \
            NULL                                                                                  \
    }

static const struct dm_op_field python_fields[] = {
    {"script", DM_FIELD_STRING, false, true, NULL,
     "A script instead of a function, relative to the project: the context as JSON on its standard "
     "input, the last line of its output (JSON, or else text) as value.",
     NULL, true},
    {"args", DM_FIELD_LIST, false, true, NULL, "Arguments of the script.", NULL},
    {"python_callable", DM_FIELD_ANY, false, false, NULL, CALLABLE_DOC, NULL},
    FUNCTION_FIELDS,
    PROCESS_FIELDS,
    {"skip_on_exit_code", DM_FIELD_ANY, false, false, "99",
     "Exit code of the script, or list of them, that means skipped.", NULL},
    {"fail_on_exit_code", DM_FIELD_ANY, false, false, NULL,
     "Exit code of the script, or list of them, that fails the task without another try.", NULL},
    {NULL},
};
static const struct dm_op_field function_fields[] = {
    {"python_callable", DM_FIELD_ANY, true, false, NULL, CALLABLE_DOC, NULL},
    FUNCTION_FIELDS,
    PROCESS_FIELDS,
    {NULL},
};
static const struct dm_op_field short_fields[] = {
    {"python_callable", DM_FIELD_ANY, true, false, NULL, CALLABLE_DOC, NULL},
    {"ignore_downstream_trigger_rules", DM_FIELD_BOOL, false, false, "true",
     "Skip everything behind it; with false only the tasks directly behind it, and trigger rules "
     "say what becomes of the rest.",
     NULL},
    FUNCTION_FIELDS,
    PROCESS_FIELDS,
    {NULL},
};

/* ---- checks at load ---- */

static bool is_given(const struct dm_value *args, const char *field)
{
    const struct dm_value *v = dm_map_at(args, field);
    return v && v->kind != DM_NULL;
}

static int check_callable(const struct dm_value *args, struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_at(args, "python_callable");
    if (v && v->kind == DM_MAP && dm_str_is(dm_map_str(v, "__type__", ""), "callable"))
        return 0;
    dm_err_set(reterr, DM_E_INVALID, "python_callable is no function");
    return dm_err_hint(reterr, "Write python_callable: module.function in the task itself.");
}

static int check_python(const struct dm_value *args, struct dm_err *reterr)
{
    bool script = is_given(args, "script"), callable = is_given(args, "python_callable");
    if (script && callable)
        return dm_err_set(reterr, DM_E_INVALID, "give either python_callable or script");
    if (!script && !callable) {
        dm_err_set(reterr, DM_E_NOTFOUND, "there is neither python_callable nor script");
        return dm_err_hint(reterr, "Write python_callable: module.function, or script: PATH.");
    }
    return script ? 0 : check_callable(args, reterr);
}

/* ---- what becomes of the value ---- */

/* As Airflow: every key of the dict beside the dict itself. */
static int push_outputs(struct dm_attempt *at, const struct dm_value *v, struct dm_err *reterr)
{
    if (v->kind != DM_MAP)
        return dm_err_set(reterr, DM_E_TASK,
                          "with multiple_outputs the function must return a dict, not a %s",
                          dm_kind_name(v->kind));
    for (size_t i = 0; i < v->map.n; i++)
        DM_TRY(dm_attempt_push_xcom(at, dm_str_cstr(at->arena, v->map.pairs[i].key->s),
                                    v->map.pairs[i].value, reterr));
    return 0;
}

static int call(struct dm_attempt *at, bool decorated, struct dm_python_result *ret,
                struct dm_err *reterr)
{
    DM_TRY(dm_python_call(at, decorated, ret, reterr));
    bool outputs = dm_map_bool(at->args, "multiple_outputs", ret->outputs);
    if (outputs && ret->value && at->order->do_xcom_push)
        DM_TRY(push_outputs(at, ret->value, reterr));
    return 0;
}

static int python(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_python_result r;
    if (is_given(at->args, "script"))
        return dm_python_script(at, ret, reterr);
    DM_TRY(call(at, false, &r, reterr));
    *ret = r.value;
    return 0;
}

static int python_task(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_python_result r;
    DM_TRY(call(at, true, &r, reterr));
    *ret = r.value;
    return 0;
}

static int python_branch(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_python_result r;
    DM_TRY(call(at, false, &r, reterr));
    struct dm_value *ids = dm_value_list(at->arena, 0), *decision = dm_value_map(at->arena);
    if (r.value && r.value->kind == DM_LIST) {
        for (size_t i = 0; i < r.value->list.n; i++)
            dm_list_add(at->arena, ids, r.value->list.items[i]);
    } else if (r.value && r.value->kind == DM_STRING) {
        dm_list_add(at->arena, ids, r.value);
    } else if (r.value) {
        dm_err_set(reterr, DM_E_TASK,
                   "the function of a branch must return a task_id, a list of them, or None, not "
                   "a %s",
                   dm_kind_name(r.value->kind));
        return DM_E_TASK;
    }
    dm_map_set(at->arena, decision, "follow", ids);
    at->decision = decision;
    *ret = r.value;
    return 0;
}

static int python_short_circuit(struct dm_attempt *at, const struct dm_value **ret,
                                struct dm_err *reterr)
{
    struct dm_python_result r;
    DM_TRY(call(at, false, &r, reterr));
    *ret = r.value;
    if (r.truth)
        return 0;
    bool all = dm_map_bool(at->args, "ignore_downstream_trigger_rules", true);
    struct dm_value *decision = dm_value_map(at->arena);
    dm_map_set(at->arena, decision, "skip", dm_value_cstr(at->arena, all ? "all" : "direct"));
    at->decision = decision;
    return 0;
}

static int look(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    struct dm_python_result r;
    DM_TRY(dm_python_call(at, false, &r, reterr));
    ret->value = r.poke ? r.value : NULL;
    ret->missing = "the function returned nothing that is true";
    return r.truth;
}

static int python_sensor(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_sensor_run(at, look, ret, reterr);
}

const struct dm_op dm_op_python = {
    .spec = {.name = "python",
             .aliases = python_aliases,
             .doc = "Runs a Python function as Airflow does, or a script, with an interpreter of "
                    "your choice; Airflow need not be installed.  What the function returns is the "
                    "XCom value.",
             .fields = python_fields,
             .check = check_python},
    .execute = python,
};
const struct dm_op dm_op_python_task = {
    .spec = {.name = "python_task",
             .aliases = task_aliases,
             .doc = "A function with `decorator: airflow.decorators.task`: the task's other keys "
                    "are its arguments, `+task` the result of another task.",
             .fields = function_fields,
             .check = check_callable},
    .execute = python_task,
};
const struct dm_op dm_op_python_branch = {
    .spec = {.name = "python_branch",
             .aliases = branch_aliases,
             .doc = "A Python function that returns which of the tasks directly behind it go on.",
             .fields = function_fields,
             .check = check_callable},
    .execute = python_branch,
};
const struct dm_op dm_op_python_short_circuit = {
    .spec = {.name = "python_short_circuit",
             .aliases = short_aliases,
             .doc = "Skips what is behind it unless a Python function returns something true.",
             .fields = short_fields,
             .check = check_callable},
    .execute = python_short_circuit,
};
const struct dm_op dm_op_python_sensor = {
    .spec = {.name = "python_sensor",
             .aliases = sensor_aliases,
             .doc = "Waits until a Python function returns something true; the xcom_value of a "
                    "PokeReturnValue is its value.",
             .fields = function_fields,
             .check = check_callable,
             .sensor = true},
    .execute = python_sensor,
};
