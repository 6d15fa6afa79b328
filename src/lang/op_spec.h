/*
 * The vocabulary of operators, as the DAG loader and the documentation see it.  The table itself is
 * op/op_table.c; the loader takes it as an argument, so that lang/ depends on nothing above it.
 */
#ifndef DM_OP_SPEC_H
#define DM_OP_SPEC_H

#include "base/str.h"

enum dm_field_type {
    DM_FIELD_STRING,
    DM_FIELD_INT,
    DM_FIELD_NUMBER,
    DM_FIELD_BOOL,
    DM_FIELD_DURATION, /* seconds as a number, or a timedelta object */
    DM_FIELD_LIST,
    DM_FIELD_MAP,
    DM_FIELD_STRING_OR_LIST, /* SQL: one text, several, or a file name */
    DM_FIELD_LIST_OR_STRING, /* EMR steps: a list, or a template or file name that becomes one */
    DM_FIELD_ANY,
};

struct dm_op_field {
    const char *name;
    enum dm_field_type type;
    bool required;
    bool templated;
    const char *fallback; /* JSON text of the default; NULL = null */
    const char *doc;      /* one sentence */
    const char
        *alias; /* an older name of the same field (postgres_conn_id for conn_id); NULL = none */
    /* The value names a file whose text belongs to the DAG's generation although it is not rendered (a script that
       the task lands).  Names without template tags are read at load. */
    bool names_file;
};

struct dm_value;

struct dm_op_spec {
    const char *name;           /* "sql_to_s3" */
    const char *const *aliases; /* Airflow class paths and bare class names; NULL-terminated */
    const char *doc;            /* one or two sentences */
    const struct dm_op_field *fields; /* ends with a NULL name */
    const char *const *template_ext;  /* ".sql", … NULL-terminated; NULL = none */
    /* What the fields cannot say: arguments that exclude each other, values out of a list.  Sees all arguments, defaults
       filled in, before they are rendered; NULL = nothing more.  DM_E_NOTFOUND says that one is missing. */
    int (*check)(const struct dm_value *args, struct dm_err *reterr);
    bool sensor; /* takes dm_sensor_fields too */
};

/* What every sensor takes beside its own fields; what they mean is in op/sensor.h. */
enum { DM_SENSOR_FIELDS = 8 };
extern const struct dm_op_field dm_sensor_fields[DM_SENSOR_FIELDS + 1]; /* ends with a NULL name */

/* A class that is known and refused under every path that ends in it, with what to use instead. */
struct dm_op_refused {
    const char *alias;
    const char *instead; /* a whole sentence */
};

struct dm_op_table {
    const struct dm_op_spec *const *specs; /* NULL-terminated */
    const struct dm_op_refused *refused;   /* ends with a NULL alias */
};

/* Whether a value has the type of a field (a template may become anything), and that type in words ("a text"). */
bool dm_op_field_fits(const struct dm_op_field *f, const struct dm_value *v);
const char *dm_field_type_name(enum dm_field_type type);

/* By short name, bare class name or class path; NULL where unknown. */
const struct dm_op_spec *dm_op_spec_find(const struct dm_op_table *table, struct dm_str name);
const struct dm_op_field *dm_op_field_find(const struct dm_op_spec *spec, struct dm_str name);

#endif
