/*
 * Mapped tasks (expand): what a task is mapped over, how many instances that makes, and which value each of them gets.
 * Pure.
 *
 * Each field of `expand` is a list, a map, or an XComArg (the result of another task).  There is one instance for every
 * combination; the last field varies fastest.
 */
#ifndef DM_MAPPING_H
#define DM_MAPPING_H

#include "lang/dag.h"

enum {
    DM_MAP_LENGTH_MAX = 1024, /* items of a result that tasks are mapped over (max_map_length) */
    DM_MAP_INSTANCES_MAX = 10000, /* instances of one task: the product of its lengths */
};

/* The fields that differ (a map), those of a decorated function included; NULL: the task is not mapped. */
const struct dm_value *dm_task_mapping(const struct dm_task *t);

/* Whether another task of the DAG is mapped over its result. */
bool dm_task_is_mapped_over(const struct dm_dag *dag, const struct dm_task *t);

/* Whether the value is an XComArg, and of which task and key. */
bool dm_xcom_arg(const struct dm_value *v, struct dm_str *ret_task, struct dm_str *ret_key);

/* How many items tasks could be mapped over; -1: it is neither a list nor a map. */
int64_t dm_map_length(const struct dm_value *v);
/* The product; -1 where one of them is -1.  More than DM_MAP_INSTANCES_MAX becomes one more than that. */
int64_t dm_map_instances(const int64_t *lengths, size_t n);
/* Which item of field `field` the instance with this index gets; lengths are positive. */
size_t dm_map_item_index(const int64_t *lengths, size_t n, size_t field, size_t index);
/* That item: of a map the pair (key, value), as a tuple. */
const struct dm_value *dm_map_item(struct dm_arena *a, const struct dm_value *v, size_t index);

#endif
