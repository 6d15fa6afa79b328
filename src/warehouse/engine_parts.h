/* What bulk.c needs of engine.c. */
#ifndef DM_ENGINE_PARTS_H
#define DM_ENGINE_PARTS_H

#include "warehouse/duck.h"
#include "warehouse/engine.h"

duckdb_connection dm_engine_duck(struct dm_engine_conn *c);
/* The error of a function that gives only DuckDB's text, which begins with its kind; returns its code. */
int dm_engine_text_error(struct dm_err *reterr, const char *text);
/* The same where the kind is known and the words do not say it. */
int dm_engine_kind_error(struct dm_err *reterr, duckdb_error_type kind, const char *text);

#endif
