/*
 * Between the parts of the loader: one load (dm_dag_loader), one file of it (dm_dag_source), one DAG that is being
 * built (dm_dag_draft).  Nothing outside lang/dag_*.c and lang/diag.c includes this.
 */
#ifndef DM_DAG_LOADER_H
#define DM_DAG_LOADER_H

#include "base/map.h"
#include "lang/dag.h"

enum dm_diag_code {
#define DM_DIAG(name, code, doc) DM_DIAG_##name,
#include "lang/diag.def"
#undef DM_DIAG
    DM_DIAG_COUNT
};
const char *dm_diag_code_name(enum dm_diag_code code);

/* A piece of the text that an environment variable was put in for. */
struct dm_expansion {
    size_t at, len;        /* in the expanded text */
    size_t from, from_len; /* in the file */
};

/* A file as it is on the disk and as YAML sees it. */
struct dm_dag_source {
    const char *file; /* relative to the project */
    const char *dir;  /* the folder that it lies in, as a path to open */
    struct dm_str text, expanded;
    struct dm_expansion *expansions;
    size_t n_expansions;
};

struct dm_dag_loader {
    struct dm_arena *a;    /* of the file that is being loaded */
    struct dm_arena *keep; /* of the load: defaults of folders, names of files */
    struct dm_arena *out;  /* of what is handed out: DAGs and findings */
    const struct dm_load_world *world;
    const char *dags_dir;
    const char *project;   /* project_dir, cleaned */
    struct dm_map depends; /* shown path -> itself */
    struct dm_diag *diags;
    size_t n_diags, cap_diags, n_errors;
};

/* Where a finding is; line 0 = not known (a value from a defaults file). */
struct dm_diag_at {
    const struct dm_dag_source *source;
    const char *dag_id;
    uint32_t line, col;
};

void dm_diag_report(struct dm_dag_loader *l, struct dm_diag_at at, bool warning,
                    enum dm_diag_code code, const char *hint, const char *fmt, ...) dm_printf(6, 7);
/* An error that a parser made: its message, place within the source, and hint. */
void dm_diag_report_err(struct dm_dag_loader *l, struct dm_diag_at at, enum dm_diag_code code,
                        const struct dm_err *err);

/* One DAG on its way from YAML. */
struct dm_dag_draft {
    struct dm_dag_loader *loader;
    const struct dm_dag_source *source;
    struct dm_dag *dag;
    const struct dm_value *config;   /* the DAG's map with all defaults merged in */
    const struct dm_value *defaults; /* its default_args, merged */
    struct dm_map tasks;             /* task_id without prefix -> struct dm_task_draft */
    struct dm_map groups;            /* group_name -> struct dm_group_draft */
    bool *scratch;                   /* dag_graph.c's: a mark for each task */
    struct dm_task_draft **list;     /* in file order */
    size_t n, cap;
    struct dm_value *files;
    size_t files_size;
    struct dm_dag_calls *calls; /* dag_callback.c's */
};

/* What one value of a callback key has become. */
struct dm_dag_calls {
    struct dm_dag_calls *next;
    const struct dm_value *of;
    enum dm_callback_on on;
    struct dm_callback list[DM_DAG_CALLBACKS_MAX];
    size_t n;
};

struct dm_group_draft {
    struct dm_task_group group;
    const struct dm_value *name, *map;
    const struct dm_value *dependencies; /* list, or NULL */
    struct dm_group_draft *parent;       /* or NULL */
    bool prefix;                         /* ids of what lies in it begin with its own */
    enum { DM_GROUP_NEW, DM_GROUP_SETTLING, DM_GROUP_SETTLED } state;
};

struct dm_task_draft {
    struct dm_task task;
    const struct dm_value *id;           /* in the file, without prefix */
    const struct dm_group_draft *group;  /* or NULL */
    const struct dm_value *dependencies; /* list of strings, or NULL */
    const struct dm_value *expand;       /* as written, or NULL */
    struct dm_value *implied; /* list of indices that its values make it wait for, or NULL */
    bool decorated;
    size_t index; /* in file order */
};

#define draft_error(d, at, code, hint, ...) \
    dm_diag_report((d)->loader, draft_at((d), (at)), false, DM_DIAG_##code, (hint), __VA_ARGS__)
#define draft_warning(d, at, code, hint, ...) \
    dm_diag_report((d)->loader, draft_at((d), (at)), true, DM_DIAG_##code, (hint), __VA_ARGS__)

static inline struct dm_diag_at draft_at(const struct dm_dag_draft *d, const struct dm_value *v)
{
    return (struct dm_diag_at){d->source, d->dag->dag_id, v ? v->line : 0, v ? v->col : 0};
}

/* "Did you mean …?" or NULL; `names` is NULL-terminated. */
const char *dm_did_you_mean(struct dm_arena *a, struct dm_str name, const char *const *names);

/* dag_build.c: a DAG from its map; NULL where it has errors. */
struct dm_dag *dm_dag_build(struct dm_dag_loader *l, const struct dm_dag_source *source,
                            const struct dm_value *key, const struct dm_value *config,
                            const struct dm_value *defaults);
/* dag_params.c: a map of params with Param objects replaced by their defaults (a param without one is left out), and
   the specs of those that were objects (name -> {schema, description}), NULL where there is none.  Airflow looks at
   the defaults `of_task` when the task runs. */
const struct dm_value *dm_dag_params(struct dm_dag_draft *d, const struct dm_value *params,
                                     bool of_task, const struct dm_value **ret_specs);
/* dag_typed.c: a value with all its typed objects made; findings where they cannot be. */
const struct dm_value *dm_dag_resolve(struct dm_dag_draft *d, const struct dm_value *v);
bool dm_dag_is_asset_expression(const struct dm_value *v);
struct dm_value *dm_dag_asset(struct dm_arena *a, struct dm_str uri, const struct dm_value *at);
/* An AssetAll or AssetAny without objects. */
struct dm_value *dm_dag_assets(struct dm_arena *a, bool all, const struct dm_value *at);
/* Python's x & y and x | y: what x holds of the same kind is not nested. */
const struct dm_value *dm_dag_combine_assets(struct dm_arena *a, bool all, const struct dm_value *x,
                                             const struct dm_value *y);
/* dag_asset.c: the expression of a schedule that is a map or a list; NULL with a finding. */
const struct dm_value *dm_dag_asset_schedule(struct dm_dag_draft *d, const struct dm_value *v);
/* {file: names.yaml, datasets: [name …]}, as inlets and outlets may be: the list of their URIs, as far as they are found;
   findings for the others. */
const struct dm_value *dm_dag_assets_of_file(struct dm_dag_draft *d, const struct dm_value *v);
/* dag_groups.c: reads task_groups before the tasks; fills dag->groups after them. */
void dm_dag_read_groups(struct dm_dag_draft *d, const struct dm_value *v);
void dm_dag_finish_groups(struct dm_dag_draft *d);
const char *dm_dag_full_id(struct dm_dag_draft *d, const struct dm_group_draft *g,
                           struct dm_str id);
bool dm_dag_in_group(const struct dm_group_draft *inner, const struct dm_group_draft *g);
/* dag_call.c: a Python name ("module.function") as a callable, or NULL with a finding of the given class. */
const struct dm_value *dm_dag_callable(struct dm_dag_draft *d, const struct dm_value *path,
                                       enum dm_diag_code code);
/* Is it a module of Python's standard library? */
bool dm_dag_standard_module(struct dm_str module);
/* The same for a function of a file: PREFIX_name and PREFIX_file. */
const struct dm_value *dm_dag_callable_in(struct dm_dag_draft *d, const struct dm_value *name,
                                          const struct dm_value *file, enum dm_diag_code code);
/* The callbacks of a DAG, a task or default_args: name -> callable; NULL where there is none. */
const struct dm_value *dm_dag_callbacks(struct dm_dag_draft *d, const struct dm_value *map,
                                        const char *const *names);
/* The same map with its callbacks as callables, and without the names and files that became some. */
const struct dm_value *dm_dag_with_callbacks(struct dm_dag_draft *d, const struct dm_value *map,
                                             const char *const *names);
/* One of them: a name, or a map with `callback` and the arguments to call it with; NULL with a finding. */
const struct dm_value *dm_dag_callback(struct dm_dag_draft *d, const char *key,
                                       const struct dm_value *v);
/* dag_callback.c: the callbacks that a task or a DAG runs.  `levels` are the maps that may hold them (or NULL), the first
   that has a key counts. */
struct dm_callback *dm_dag_read_callbacks(struct dm_dag_draft *d,
                                          const struct dm_value *const *levels, size_t n_levels,
                                          bool of_dag, size_t *ret_n);
/* True for a notifier of Airflow's that an operator here stands for. */
bool dm_dag_has_notifier(struct dm_str path);
/* on_failure_callback_name and on_failure_callback_file. */
const char *dm_callback_half(enum dm_callback_on on, bool file);
extern const char *const dm_task_callbacks[],
    *const dm_dag_callback_names[], *const dm_default_callbacks[]; /* of default_args */
/* dag_map.c: expand, partial, and the values of decorated functions; needs all tasks. */
void dm_dag_map_tasks(struct dm_dag_draft *d);
/* What every sensor takes beside its own fields; ends with a NULL name. */
extern const struct dm_op_field dm_sensor_fields[];
/* dag_field.c: what Python takes for "not given": null, false, 0, an empty text, list or map. */
bool dm_says_nothing(const struct dm_value *v);
/* dag_task.c: adds one task to the draft.  `at` is its key or its map. */
void dm_dag_add_task(struct dm_dag_draft *d, const struct dm_value *id, const struct dm_value *map);
/* The fields of the operator that `map` names, checked as a task's (defaults filled in, files read, templates checked);
   `map` holds nothing else.  NULL with a finding, which calls it `what`. */
const struct dm_value *dm_dag_operator_args(struct dm_dag_draft *d, const struct dm_value *map,
                                            const char *what, const char **ret_operator);
/* dag_sugar.c: a task's map with dag-factory's short forms written out: functions named by file, execution_delta as
   text, spans in seconds of 0.x, variables_as_arguments.  `spec` may be NULL. */
const struct dm_value *dm_dag_task_map(struct dm_dag_draft *d, const struct dm_op_spec *spec,
                                       const char *task_id, const struct dm_value *map);
/* The spans in seconds of 0.x in a task or in default_args under today's names. */
const struct dm_value *dm_dag_spans_of_v0(struct dm_dag_draft *d, const struct dm_value *map,
                                          bool defaults);
/* Keys of default_args that no task knows. */
void dm_dag_check_defaults(struct dm_dag_draft *d);
/* dag_files.c: reads what the task's fields name, and checks all its templates. */
void dm_dag_read_files(struct dm_dag_draft *d, const struct dm_op_spec *spec,
                       const struct dm_task *task);
/* dag_ignore.c: the patterns of a folder's .airflowignore (if it has one) behind those that count `before`.  All paths
   begin with `root`.  Patterns: NULL = none. */
#define DM_IGNORE_FILE ".airflowignore"
struct dm_ignore_rule;
int dm_ignore_read(struct dm_arena *a, const char *dir, const char *root, bool regexp,
                   const struct dm_ignore_rule *before, const struct dm_ignore_rule **ret,
                   struct dm_err *reterr) dm_nodiscard;
bool dm_ignored(struct dm_arena *a, const struct dm_ignore_rule *rules, const char *path,
                bool folder);
/* dag_scan.c: the result depends on this file, be it there or not. */
void dm_dag_depend(struct dm_dag_loader *l, const char *path);
/* Is it a file?  The result depends on it. */
bool dm_dag_has_file(struct dm_dag_loader *l, const char *path);
/* A path that a DAG names: absolute, or seen from the folder of its file (which dag-factory does not take); NULL where
   it is neither. */
const char *dm_dag_beside(const struct dm_dag_draft *d, const struct dm_value *path);
/* All of them for people, sorted; there are l->depends.len. */
const char **dm_dag_depends(const struct dm_dag_loader *l, struct dm_arena *a);
/* The same for what a mapped task is mapped over; checks the items too. */
void dm_dag_read_mapped(struct dm_dag_draft *d, const struct dm_op_spec *spec,
                        const struct dm_task *task);
/* A path as people see it: relative to the project where it lies in it. */
const char *dm_dag_shown_path(const struct dm_dag_loader *l, const char *path);
/* dag_graph.c: edges, cycles, order; fills dag->tasks. */
void dm_dag_link(struct dm_dag_draft *d);

/* dag_dates.c: DM_NEVER and a finding where it is no date. */
int64_t dm_dag_date(struct dm_dag_draft *d, const char *key, const struct dm_value *v,
                    const char *zone);

/* "2 days" before the start of today: the distance in microseconds; false where it is no such text. */
bool dm_dag_relative(struct dm_str s, int64_t *ret_us);
bool dm_dag_id_valid(struct dm_str id);

#endif
