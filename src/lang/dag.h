/*
 * A DAG as the rest of the program sees it: checked, complete, immutable; it lives in the arena of its
 * generation.  Made from YAML by dm_dags_load, or from its normal form (JSON, kept in the store once per
 * digest) by dm_dag_from_json: a running run never looks at YAML again.
 */
#ifndef DM_DAG_H
#define DM_DAG_H

#include "lang/op_spec.h"
#include "lang/timetable.h"
#include "lang/value.h"

enum dm_trigger_rule {
#define DM_TRIGGER_RULE(name, text, doc) DM_RULE_##name,
#include "lang/trigger_rules.def"
#undef DM_TRIGGER_RULE
    DM_RULE_COUNT
};
const char *dm_trigger_rule_name(enum dm_trigger_rule rule);

enum dm_callback_on {
#define DM_CALLBACK(name, key, of_dag, doc) DM_ON_##name,
#include "lang/callbacks.def"
#undef DM_CALLBACK
    DM_ON_COUNT
};
const char *dm_callback_key(enum dm_callback_on on); /* "on_failure_callback" */

/* What runs beside the tasks when something happened: an operator with its fields, as a task has them. */
struct dm_callback {
    enum dm_callback_on on;
    const char *operator_name;
    /* Not rendered; templates may name `exception` and `reason` too.  A Python function is the field python_callable
       of `python`, and has `context: true`: it is called with the context alone, and its own `kwargs` by name. */
    const struct dm_value *args;
    uint32_t line, col;
};

struct dm_task {
    const char *task_id;       /* with group prefix */
    const char *operator_name; /* short name of the operator table */
    const struct dm_value
        *args; /* map: the operator's own fields, defaults filled in, not rendered */
    const struct dm_value *params; /* the task's own params (map) */
    size_t *upstream, *downstream; /* indices into dag->tasks */
    size_t n_upstream, n_downstream;
    enum dm_trigger_rule trigger_rule;
    int retries;
    int64_t retry_delay_us; /* default 300 s */
    bool retry_exponential_backoff;
    int64_t max_retry_delay_us;   /* 0 = none */
    int64_t execution_timeout_us; /* 0 = none */
    bool depends_on_past, wait_for_downstream, ignore_first_depends_on_past;
    const char *pool;
    int pool_slots, priority_weight;
    const char *weight_rule;       /* "downstream", "upstream", "absolute" */
    int max_active_tis_per_dag;    /* 0 = no limit */
    int max_active_tis_per_dagrun; /* of one mapped task within one run; 0 = no limit */
    const char *owner;
    bool do_xcom_push;
    int64_t start_date, end_date; /* DM_NEVER = the DAG's */
    uint32_t line, col;           /* of the task in its file */
    bool is_setup, is_teardown;
    bool on_failure_fail_dagrun; /* of a teardown: its failure is the run's */

    /* What only some tasks have; NULL or 0 where it was not given, unless it says otherwise. */
    const char *group; /* id of its group, with the prefix of the outer ones */
    const struct dm_value
        *param_specs; /* name -> {schema, description} of the params that have one */
    const char *display_name, *doc_md;
    const char *queue; /* "default" */
    const char *run_as_user, *executor;
    const struct dm_value *email;          /* a text or a list of texts */
    bool email_on_failure, email_on_retry; /* true */
    int64_t sla_us;
    const struct dm_value *executor_config;
    const struct dm_value *callables;        /* of a model only: on_…_callback -> callable */
    const struct dm_value *inlets, *outlets; /* lists of URIs, assets, or anything else */
    /* A mapped task: name of a field -> a list or an XComArg; args then holds what is the same for all. */
    const struct dm_value *expand;
    const struct dm_value *expand_kwargs; /* the same for the arguments of a decorated function */
    struct dm_callback *callbacks;        /* by `on`, in the order of the file */
    size_t n_callbacks;
};

/* A group of tasks.  It gives its tasks a prefix and defaults; its dependencies have become edges of the tasks. */
struct dm_task_group {
    const char *group_id, *parent, *tooltip; /* with prefix; parent and tooltip may be NULL */
    const struct dm_value *default_args;     /* NULL = none */
    bool no_prefix;                          /* its tasks and groups keep their bare ids */
    const char **upstream_groups, **upstream_tasks; /* ids, sorted, NULL-terminated */
};

struct dm_dag {
    struct dm_arena *arena;
    const char *dag_id;
    const char *file; /* relative to the project folder */
    uint32_t line;    /* of dag_id in its file */
    const char *description, *doc_md;
    const struct dm_timetable *timetable;
    const struct dm_value *schedule; /* what dm_timetable_parse takes */
    const char *schedule_text;       /* as written, for people */
    const char *timezone;            /* tz database name */
    int64_t start_date, end_date;    /* UTC; DM_NEVER = none; end_date is the last logical date */
    bool catchup;
    int max_active_runs, max_active_tasks;
    int64_t dagrun_timeout_us;     /* 0 = none */
    bool native_templates;         /* render_template_as_native_obj */
    const struct dm_value *params; /* map name -> value */
    const char **tags;             /* NULL-terminated */
    struct dm_task *tasks;         /* in a topological order, ties in file order */
    size_t n_tasks;
    /* Every file that a templated field names (SQL, JSON, scripts): path as written -> text. */
    const struct dm_value *files;
    bool fail_stop;               /* the first task that fails ends the run */
    struct dm_task_group *groups; /* sorted by id */
    size_t n_groups;
    /* What only some DAGs have; NULL where it was not given. */
    const char *display_name;
    const struct dm_value *default_args; /* of a model only: the tasks have theirs */
    const struct dm_value
        *param_specs; /* name -> {schema, description} of the params that have one */
    const struct dm_value *callables; /* of a model only: on_…_callback … -> callable */
    struct dm_callback *callbacks;    /* of the run, by `on`, in the order of the file */
    size_t n_callbacks;
    const struct dm_value *template_searchpath, *user_defined_macros, *access_control;
    int paused_upon_creation;            /* 1 or 0; -1 = not said, the project decides */
    int max_consecutive_failed_dag_runs; /* so many, and the DAG is paused; 0 = never */
    char generation[65];                 /* SHA-256 of the normal form with the files */
};

/* One finding of the loader: an error (the DAG is refused) or a warning. */
struct dm_diag {
    bool warning;
    const char *file;   /* relative to the project */
    const char *dag_id; /* NULL = the whole file */
    uint32_t line, col;
    const char *code; /* one of the classes in lang/diag.def: "unknown_key", "cycle" … */
    const char *message, *hint; /* hint may be NULL: "did you mean …" */
    const char *source_line;    /* the text of that line, for the caret; NULL where unknown */
};

struct dm_dag_set {
    struct dm_dag **dags; /* sorted by dag_id */
    size_t n_dags;
    struct dm_diag *diags; /* by file, line, column */
    size_t n_diags, n_errors;
    /* Every file that was read or looked for, relative to the project as `file` of a finding is, sorted, each once: DAG
       files, defaults files, texts of templated fields, scripts, Python modules.  Some are not there (a defaults.yml
       that would count, a file in an earlier folder of a search path).  Where none of them changed, appeared or went,
       the environment is the same and no date is relative, a load gives the same again. */
    const char **depends;
    size_t n_depends;
};

/* A folder of DAG files as it is walked. */
struct dm_dag_scan {
    const char **
        files; /* in the order in which they load: those of a folder by name, then its subfolders */
    size_t n_files;
    const char **
        folders; /* the folder itself and all that were entered; all paths begin with the folder's as given */
    size_t n_folders;
};

/* Generations of dag-factory.  What one of them takes and the other refuses, both takes. */
enum dm_dialect { DM_DIALECT_BOTH, DM_DIALECT_V0, DM_DIALECT_V1 };

/* What the loader may ask of the world outside. */
struct dm_load_world {
    const char *project_dir; /* errors and `file` are relative to it */
    /* The folder of all DAGs, in which the defaults.yml of a file's folders begin and Python modules and texts are
       looked for; NULL = the folder that is loaded, or the one that the file lies in. */
    const char *dags_dir;
    const struct dm_op_table *ops;
    int64_t now; /* for relative dates */
    /* An environment variable, or NULL. */
    const char *(*env)(void *user, const char *name);
    void *user;
    enum dm_dialect dialect;
    bool
        ignore_regexp; /* .airflowignore holds regular expressions, as with Airflow 2; else globs */
    /* Loads what nothing here can run yet (callbacks …) into the model, and keys that are
       probably a slip with a warning only: for programs that compare or convert DAGs and run none.  Without it these
       are errors, so that a run never leaves out in silence what its DAG asks for. */
    bool model_only;
};

/*
 * Objects in values, made of `__type__` maps and of what Airflow makes of texts: a timedelta is a DM_DELTA, a datetime
 * a DM_DATETIME; the others stay maps with one of these names under `__type__`:
 *   Asset {uri, name, extra}, AssetAll and AssetAny {objects}, relativedelta {months …}, Param {default …},
 *   callable {name, kwargs}, XComArg {task_id, key}, set {items}, and the timetables of timetable.h.
 */

enum {
    DM_DAG_FILES_MAX = 10000,     /* YAML files of one folder */
    DM_DAG_TASKS_MAX = 10000,     /* tasks of one DAG */
    DM_DAG_TEXT_MAX = 4 << 20,    /* bytes of a file that a field names */
    DM_DAG_TEXTS_MAX = 8 << 20,   /* of all such files of one DAG */
    DM_DAG_DIAGS_MAX = 1000,      /* findings that are listed */
    DM_DAG_TEXT_COUNT_MAX = 1000, /* how many these may be */
    DM_DAG_ID_MAX = 250,          /* characters of a dag_id or task_id */
    DM_DAG_CALLBACKS_MAX = 10,    /* callbacks under one key */
};

/* Loads a folder of *.yaml and *.yml, or one file with the defaults of the folders above it.  Fails only where the
   folder cannot be read; what is wrong with the files is in ret->diags, and the other DAGs are there.  Of two DAGs
   with one id the one that is read later is refused; somebody who loads file by file sees to this himself. */
int dm_dags_load(struct dm_arena *a, const char *path, const struct dm_load_world *world,
                 struct dm_dag_set *ret, struct dm_err *reterr) dm_nodiscard;
/* The files that a load of the folder reads as DAG files, without reading them: without hidden ones, defaults.yml and
   what an .airflowignore between the folder of all DAGs and the file leaves out.  Fails where a folder cannot be read. */
int dm_dags_scan(struct dm_arena *a, const char *folder, const struct dm_load_world *world,
                 struct dm_dag_scan *ret, struct dm_err *reterr) dm_nodiscard;
/* "dags/x.yaml:12:9: error: unknown key …", the source line, a caret below its column, and the hint. */
void dm_diag_format(struct dm_strbuf *b, const struct dm_diag *d);

/* May a run have this conf (NULL = none)?  Its values take the place of the DAG's params of the same names; each must keep
   to its schema, and a param without a default must be there.  Other names are no params: they are fine.
   DM_E_INVALID says which one and why. */
int dm_params_check(const struct dm_dag *dag, const struct dm_value *conf,
                    struct dm_err *reterr) dm_nodiscard;

const struct dm_dag *dm_dag_find(const struct dm_dag_set *set, struct dm_str dag_id);
const struct dm_task *dm_task_find(const struct dm_dag *dag, struct dm_str task_id);
const struct dm_task_group *dm_group_find(const struct dm_dag *dag, struct dm_str group_id);
/* Whether the task lies in the group, or in one that lies in it. */
bool dm_task_in_group(const struct dm_dag *dag, const struct dm_task *task, const char *group_id);

/* The normal form: everything above except arena and generation, as JSON.  Maps keep their order (checks and environments
   have one), and dates, spans and marks come back as they were.  Reading computes the generation from the text. */
void dm_dag_to_json(struct dm_strbuf *b, const struct dm_dag *dag);
/* What reading the normal form would give, without the text: nothing of `dag` is kept. */
int dm_dag_copy(struct dm_arena *a, const struct dm_dag *dag, struct dm_dag **ret,
                struct dm_err *reterr) dm_nodiscard;
int dm_dag_from_json(struct dm_arena *a, struct dm_str json, struct dm_dag **ret,
                     struct dm_err *reterr) dm_nodiscard;

#endif
