/*
 * Checks a value against a JSON Schema: the part of draft 2020-12 that says something about one value (Airflow's
 * Param takes it).  Known: type enum const minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength
 * maxLength pattern format items prefixItems contains minContains maxContains minItems maxItems uniqueItems
 * properties patternProperties additionalProperties propertyNames required minProperties maxProperties
 * dependentRequired dependentSchemas anyOf oneOf allOf not if/then/else, and $ref to a place in the same schema
 * ("#/$defs/x").  Formats: date, date-time, time, email, ipv4, ipv6, uuid, regex; others say nothing.  Other keywords
 * say nothing, as the standard has it (Airflow's are for its forms).
 */
#ifndef DM_SCHEMA_CHECK_H
#define DM_SCHEMA_CHECK_H

#include "lang/value.h"

enum {
    DM_SCHEMA_DEPTH_MAX = 64,      /* schemas within schemas, and values within values */
    DM_SCHEMA_STEPS_MAX = 1000000, /* schemas that are tried on a value */
};

/* `name` is what the value is called: "n: …", "n.items[2]: …".  DM_E_INVALID says which part is wrong and why,
   DM_E_LIMIT names the limit. */
int dm_schema_check(const struct dm_value *schema, const struct dm_value *v, const char *name,
                    struct dm_err *reterr) dm_nodiscard;
/* Is the schema itself right?  Every keyword above has the kind of value that it needs, at any depth. */
int dm_schema_valid(const struct dm_value *schema, struct dm_err *reterr) dm_nodiscard;

#endif
