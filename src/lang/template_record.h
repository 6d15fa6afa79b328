/* Records of templates: objects with named fields (dag, ti, a connection), and their makers. */
#ifndef DM_TEMPLATE_RECORD_H
#define DM_TEMPLATE_RECORD_H

#include "lang/template_time.h"

/* A field that a record has where nothing else is known. */
struct dm_attribute {
    const char *name, *json;
};

struct dm_record {
    const char *label; /* what it prints */
    const struct dm_value *fields;
    const struct dm_value *more;         /* a map to look into as well, or NULL */
    const struct dm_attribute *defaults; /* ends with a NULL name; NULL = none */
    const struct dm_callable *methods;
};

int dm_record_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                   const struct dm_value **ret);
int dm_record_text(struct dm_eval *e, const struct dm_value *self, bool repr, struct dm_strbuf *b);

#define DM_RECORD_CLASS(type_name)                                        \
    {                                                                     \
        .type = type_name, .attr = dm_record_attr, .text = dm_record_text \
    }

const struct dm_value *dm_record(struct dm_eval *e, const struct dm_class *cls, struct dm_record r);
/* The fields of a method's own record. */
const struct dm_value *dm_record_fields(const struct dm_call *c);

/* A text, or none where there is none; an instant in UTC, or none where it is DM_NEVER. */
const struct dm_value *dm_text_or_none(struct dm_eval *e, const char *s);
const struct dm_value *dm_instant(struct dm_eval *e, int64_t us);

/* dag, dag_run, task and ti (template_run.c); ti.xcom_pull (template_xcom.c); var and conn (template_conn.c). */
int dm_run_record(struct dm_eval *e, struct dm_str name, const struct dm_value **ret) dm_nodiscard;
int dm_xcom_pull(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret);
const struct dm_value *dm_variables(struct dm_eval *e);
const struct dm_value *dm_connections(struct dm_eval *e);

#endif
