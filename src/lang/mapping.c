/* Mapped tasks: lengths and items. */
#include "lang/mapping.h"

const struct dm_value *dm_task_mapping(const struct dm_task *t)
{
    return t->expand_kwargs ? t->expand_kwargs : t->expand;
}

bool dm_xcom_arg(const struct dm_value *v, struct dm_str *ret_task, struct dm_str *ret_key)
{
    if (!v || v->kind != DM_MAP || !dm_str_is(dm_map_str(v, "__type__", ""), "XComArg"))
        return false;
    *ret_task = dm_map_str(v, "task_id", "");
    *ret_key = dm_map_str(v, "key", "return_value");
    return true;
}

bool dm_task_is_mapped_over(const struct dm_dag *dag, const struct dm_task *t)
{
    struct dm_str id, key;
    for (size_t i = 0; i < t->n_downstream; i++) {
        const struct dm_value *map = dm_task_mapping(&dag->tasks[t->downstream[i]]);
        for (size_t k = 0; map && k < map->map.n; k++)
            if (dm_xcom_arg(map->map.pairs[k].value, &id, &key) && dm_str_is(id, t->task_id))
                return true;
    }
    return false;
}

int64_t dm_map_length(const struct dm_value *v)
{
    if (v->kind == DM_LIST || v->kind == DM_TUPLE)
        return (int64_t)v->list.n;
    return v->kind == DM_MAP ? (int64_t)v->map.n : -1;
}

int64_t dm_map_instances(const int64_t *lengths, size_t n)
{
    int64_t product = 1;
    for (size_t i = 0; i < n; i++)
        if (lengths[i] < 0)
            return -1;
    for (size_t i = 0; i < n; i++)
        if (lengths[i] == 0)
            return 0;
    for (size_t i = 0; i < n; i++) {
        if (lengths[i] > DM_MAP_INSTANCES_MAX / product)
            return DM_MAP_INSTANCES_MAX + 1;
        product *= lengths[i];
    }
    return product;
}

size_t dm_map_item_index(const int64_t *lengths, size_t n, size_t field, size_t index)
{
    for (size_t i = n; i-- > field + 1;)
        index /= (size_t)lengths[i];
    return index % (size_t)lengths[field];
}

const struct dm_value *dm_map_item(struct dm_arena *a, const struct dm_value *v, size_t index)
{
    if (v->kind != DM_MAP)
        return v->list.items[index];
    struct dm_value *pair = dm_value_list(a, 2);
    pair->list.items[0] = v->map.pairs[index].key;
    pair->list.items[1] = v->map.pairs[index].value;
    pair->kind = DM_TUPLE;
    return pair;
}
