/*
 * Templates: the Jinja2 language with Airflow's context.  lex -> AST -> eval; parsed once per DAG generation.
 *
 * Strict about undefined names.  Limits (DM_TEMPLATE_*): nesting, output, loop steps, wall time; each error says
 * which.  Errors carry file, line and column of the template; the class of the error (for golden files and
 * `check`) is in err->detail's first word: undefined, syntax, type, attribute, key, value, zero_division,
 * overflow, security, not_found, template, limit.
 */
#ifndef DM_TEMPLATE_H
#define DM_TEMPLATE_H

#include "lang/value.h"

enum { DM_XCOM_OF_ALL = -2, DM_XCOM_ANY = -3 };

/* Which XCom: a task_id or key without p is any. */
struct dm_xcom_wanted {
    struct dm_str dag_id, run_id, task_id, key;
    int64_t
        until; /* of the newest run up to this logical date that has one; DM_NEVER = of run_id */
    int map_index; /* DM_XCOM_ANY = of any instance */
};
struct dm_xcom_found {
    struct dm_str run_id, task_id, key;
    int map_index;
    const struct dm_value *value;
};
enum { DM_TEMPLATE_DEPTH = 100, DM_TEMPLATE_STEPS = 1000000 };

struct dm_template;

/* Where the text stands: errors are reported relative to it.  file may be NULL. */
struct dm_place {
    const char *file;
    uint32_t line, col;
};

int dm_template_parse(struct dm_arena *a, struct dm_str text, struct dm_place place,
                      const struct dm_template **ret, struct dm_err *reterr) dm_nodiscard;
/* Free variable names that the template reads ("ds", "params"), NULL-terminated; for checks at load. */
const char *const *dm_template_names(const struct dm_template *t);

/*
 * The run that a template is rendered for: Airflow's get_template_context.  Instants are DM_NEVER where there is
 * none.  The callbacks reach what only rendering can name; each returns 1 (found), 0 (not there) or an error.
 */
struct dm_context {
    const char *dag_id, *task_id, *run_id, *run_type, *owner, *timezone, *schedule;
    int64_t logical_date, interval_start, interval_end;
    int64_t prev_interval_start_success, prev_interval_end_success, prev_start_date_success,
        prev_end_date_success;
    const struct dm_timetable *timetable; /* for prev_ds, next_ds; NULL = as for a manual run */
    int try_number, max_tries, map_index, retries;
    const char *state;                 /* of the try; NULL = "running" */
    const char *exception, *reason;    /* of a callback; NULL = not defined */
    int64_t now;                       /* dag_run.start_date, ti.start_date */
    const struct dm_value *conf;       /* of the run; map */
    const struct dm_value *params;     /* DAG < task < conf, already merged; map */
    const struct dm_value *task_args;  /* map; {{ task.x }} */
    const struct dm_value *triggering; /* events of assets that the run was made for; NULL = none */
    /* Attributes of {{ task.x }} and {{ dag.x }} that differ from lang/attributes.def; maps, or NULL.  upstream_task_ids
       and downstream_task_ids of a task are lists. */
    const struct dm_value *task_attrs, *dag_attrs;
    const char *operator_class;       /* "BashOperator"; NULL = not known */
    const char *hostname, *user_name; /* where the task runs, as whom; NULL = "" */
    const struct dm_value *more;      /* map of further variables, or NULL */
    int (*var)(void *user, struct dm_str key, struct dm_str *ret, struct dm_err *reterr);
    /* An Airflow connection as a map: conn_id conn_type host login password schema port extra (map) description. */
    int (*conn)(void *user, struct dm_arena *a, struct dm_str id, const struct dm_value **ret,
                struct dm_err *reterr);
    /* The value of one instance of a task (map_index -1: of a task that is not mapped), or with DM_XCOM_OF_ALL the list
       of those of all instances of a mapped task. */
    int (*xcom)(void *user, struct dm_arena *a, struct dm_str dag_id, struct dm_str run_id,
                struct dm_str task_id, int map_index, struct dm_str key,
                const struct dm_value **ret, struct dm_err *reterr);
    /* The one that came last of those wanted. */
    int (*newest_xcom)(void *user, struct dm_arena *a, const struct dm_xcom_wanted *wanted,
                       struct dm_xcom_found *ret, struct dm_err *reterr);
    /* The text of a file named by a templated field, include, import or extends. */
    int (*file)(void *user, struct dm_str name, struct dm_str *ret, struct dm_err *reterr);
    void *user;
};

/* The state of the run in its context: "running", unless its callbacks are told why it ended. */
const char *dm_context_run_state(const char *reason);

int dm_template_render(struct dm_arena *a, const struct dm_template *t, const struct dm_context *c,
                       struct dm_str *ret, struct dm_err *reterr) dm_nodiscard;
/* The same as a native value (render_template_as_native_obj). */
int dm_template_render_native(struct dm_arena *a, const struct dm_template *t,
                              const struct dm_context *c, const struct dm_value **ret,
                              struct dm_err *reterr) dm_nodiscard;

/*
 * Renders a field: strings anywhere in lists, tuples and map values; keys are not rendered.  A string that ends in
 * one of `exts` (NULL-terminated, or NULL) names a file, whose text is rendered instead.  `place` gives the file
 * for the marks that the values carry.
 */
int dm_render_value(struct dm_arena *a, const struct dm_value *v, const char *const *exts,
                    struct dm_place place, const struct dm_context *c, bool native,
                    const struct dm_value **ret, struct dm_err *reterr) dm_nodiscard;

/* Checks one field at load: syntax, filters, tests and free names of every string in it.  Calls `found` for each
   problem. */
void dm_check_templates(const struct dm_value *v, struct dm_place place,
                        void (*found)(void *user, const struct dm_err *err), void *user);

#endif
