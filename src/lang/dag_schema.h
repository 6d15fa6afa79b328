/* A JSON Schema of DAG files for editors, made of the same tables that the loader reads. */
#ifndef DM_DAG_SCHEMA_H
#define DM_DAG_SCHEMA_H

#include "lang/op_spec.h"

/* Adds the schema as indented JSON.  It refuses nothing that loads without a finding; what only the whole DAG shows
   (missing fields that default_args may hold, ids, templates) it does not see. */
void dm_dag_schema(struct dm_strbuf *b, const struct dm_op_table *ops);

#endif
