/* ti.xcom_pull() of templates. */
#include "lang/template_record.h"

/* --- what several values are: a sequence that says only how many they are --- */

static int sequence_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                         struct dm_strbuf *b)
{
    size_t n = ((const struct dm_value *)self->object->data)->list.n;
    dm_strbuf_addf(b, "LazySelectSequence([%zu item%s])", n, n == 1 ? "" : "s");
    return 0;
}

static int sequence_item(struct dm_eval *e, const struct dm_value *self, const struct dm_value *key,
                         const struct dm_value **ret)
{
    DM_TRY(dm_getitem(e, self->object->data, key, ret));
    return !dm_is_undefined(*ret);
}

static int sequence_iter(struct dm_eval *e, const struct dm_value *self,
                         const struct dm_value **ret)
{
    *ret = self->object->data;
    return 0;
}

static int sequence_length(struct dm_eval *e, const struct dm_value *self, int64_t *ret)
{
    *ret = (int64_t)((const struct dm_value *)self->object->data)->list.n;
    return 0;
}

static int sequence_truth(struct dm_eval *e, const struct dm_value *self)
{
    if (((const struct dm_value *)self->object->data)->list.n)
        return 1;
    dm_eval_fail(e, DM_TE_TYPE, "no XCom was found, and Airflow cannot say whether that is true");
    dm_err_hint(e->err, "Ask for their number: `xcoms | length`.");
    return DM_E_TYPE;
}

static int sequence_slice(struct dm_eval *e, const struct dm_value *self, int64_t first,
                          int64_t step, int64_t n, const struct dm_value **ret)
{
    const struct dm_value *all = self->object->data;
    struct dm_value *part = dm_value_list(e->a, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        part->list.items[i] = all->list.items[first + i * step];
    *ret = part;
    return 0;
}

const struct dm_class dm_class_xcoms = {
    .type = "LazyXComSelectSequence",
    .text = sequence_text,
    .item = sequence_item,
    .iter = sequence_iter,
    .length = sequence_length,
    .truth = sequence_truth,
    .slice = sequence_slice,
    .is_sequence = true,
};

/* --- pulling --- */

static int pull_one(struct dm_eval *e, const struct dm_call *c, const struct dm_value *task,
                    int map_index, const struct dm_value **ret)
{
    struct dm_str dag_id = dm_str_c(e->c->dag_id), key;
    DM_TRY(dm_eval_defined(e, task));
    if (task->kind != DM_STRING)
        return dm_eval_fail(e, DM_TE_TYPE, "xcom_pull() wants the ids of tasks, not %s",
                            dm_type_name(task));
    if (c->arg[1] && c->arg[1]->kind != DM_NULL)
        DM_TRY(dm_param_str(e, c, 1, "", &dag_id));
    DM_TRY(dm_param_str(e, c, 2, "return_value", &key));
    if (!e->c->xcom)
        return 0;
    int rc = e->c->xcom(e->c->user, e->a, dag_id, dm_str_c(e->c->run_id), task->s, map_index, key,
                        ret, e->err);
    if (rc > 0)
        *ret = dm_own_copy(e, *ret);
    return dm_eval_outside(e, rc);
}

/* An index that no instance can have where it is none. */
static int map_index_of(const struct dm_value *v)
{
    return v->kind == DM_INT && v->i >= -1 && v->i < INT32_MAX ? (int)v->i : INT32_MAX;
}

static int pull_into(struct dm_eval *e, const struct dm_call *c, const struct dm_value *task,
                     int map_index, struct dm_value *values)
{
    const struct dm_value *v;
    int rc = pull_one(e, c, task, map_index, &v);
    for (size_t i = 0; rc > 0 && map_index == DM_XCOM_OF_ALL && i < v->list.n; i++)
        dm_list_add(e->a, values, v->list.items[i]);
    if (rc > 0 && map_index != DM_XCOM_OF_ALL)
        dm_list_add(e->a, values, v);
    return rc;
}

/* Of several tasks or indexes: the values that there are, in the order asked for. */
static int pull_several(struct dm_eval *e, const struct dm_call *c, const struct dm_value *task,
                        const struct dm_value *indexes, struct dm_value *values)
{
    struct dm_value *list;
    int rc = 0;
    if (!indexes) {
        rc = pull_into(e, c, task, -1, values);
        rc = rc == 0 ? pull_into(e, c, task, DM_XCOM_OF_ALL, values) : rc;
        return rc < 0 ? rc : 0;
    }
    if (indexes->kind == DM_INT)
        rc = pull_into(e, c, task, map_index_of(indexes), values);
    if (indexes->kind == DM_INT)
        return rc < 0 ? rc : 0;
    DM_TRY(dm_items(e, indexes, &list));
    for (size_t i = 0; rc >= 0 && i < list->list.n; i++)
        rc = pull_into(e, c, task, map_index_of(list->list.items[i]), values);
    return rc < 0 ? rc : 0;
}

/* Without a task or a key, or over the runs before: the value that came last. */
static int pull_newest(struct dm_eval *e, const struct dm_call *c, const struct dm_value *task,
                       const struct dm_value *index, const struct dm_value **ret)
{
    struct dm_xcom_wanted wanted = {.dag_id = dm_str_c(e->c->dag_id),
                                    .run_id = dm_str_c(e->c->run_id),
                                    .until = DM_NEVER,
                                    .map_index = DM_XCOM_ANY};
    struct dm_xcom_found found;
    bool prior, any_key = c->arg[2] && c->arg[2]->kind == DM_NULL;
    if (c->arg[1] && c->arg[1]->kind != DM_NULL)
        DM_TRY(dm_param_str(e, c, 1, "", &wanted.dag_id));
    if (!any_key)
        DM_TRY(dm_param_str(e, c, 2, "return_value", &wanted.key));
    DM_TRY(dm_param_bool(e, c, 3, false, &prior));
    if (prior)
        wanted.until = e->c->logical_date;
    if (task)
        wanted.task_id = task->s;
    if (index)
        wanted.map_index = map_index_of(index);
    if (!e->c->newest_xcom)
        return 0;
    int rc = dm_eval_outside(e, e->c->newest_xcom(e->c->user, e->a, &wanted, &found, e->err));
    if (rc <= 0)
        return rc;
    if (index || found.map_index < 0) {
        *ret = dm_own_copy(e, found.value);
        return 1;
    }
    rc = dm_eval_outside(e, e->c->xcom(e->c->user, e->a, wanted.dag_id, found.run_id, found.task_id,
                                       DM_XCOM_OF_ALL, found.key, ret, e->err));
    if (rc > 0)
        *ret = dm_object_value(e, &dm_class_xcoms, (void *)dm_own_copy(e, *ret));
    return rc;
}

/* The value of one task: of the task itself, or where it is mapped those of all its instances. */
static int pull_of_task(struct dm_eval *e, const struct dm_call *c, const struct dm_value *task,
                        const struct dm_value *index, const struct dm_value **ret)
{
    bool any_key = c->arg[2] && c->arg[2]->kind == DM_NULL, prior;
    DM_TRY(dm_param_bool(e, c, 3, false, &prior));
    if (!task || any_key || prior)
        return pull_newest(e, c, task, index, ret);
    int rc = pull_one(e, c, task, index ? map_index_of(index) : -1, ret);
    if (rc == 0 && !index) {
        rc = pull_one(e, c, task, DM_XCOM_OF_ALL, ret);
        if (rc > 0)
            *ret = dm_object_value(e, &dm_class_xcoms, (void *)*ret);
    }
    return rc;
}

/* Whether the id comes again further on: of equal ones the last counts. */
static bool comes_again(const struct dm_value *ids, size_t i)
{
    for (size_t k = i + 1; k < ids->list.n; k++)
        if (dm_value_equal(ids->list.items[i], ids->list.items[k]))
            return true;
    return false;
}

int dm_xcom_pull(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *tasks = c->arg[0] && c->arg[0]->kind != DM_NULL ? c->arg[0] : NULL;
    const struct dm_value *indexes = c->arg[5] && c->arg[5]->kind != DM_NULL ? c->arg[5] : NULL;
    if (tasks)
        DM_TRY(dm_eval_defined(e, tasks));
    if (indexes)
        DM_TRY(dm_eval_defined(e, indexes));
    if ((!tasks || tasks->kind == DM_STRING) && (!indexes || indexes->kind == DM_INT)) {
        int rc = pull_of_task(e, c, tasks, indexes, ret);
        if (rc == 0)
            *ret = c->arg[4] ? c->arg[4] : &dm_null;
        return rc < 0 ? rc : 0;
    }
    if (!tasks)
        return dm_eval_fail(e, DM_TE_TYPE,
                            "xcom_pull() with map_indexes wants the ids of tasks too");
    struct dm_value *ids, *values = dm_value_list(e->a, 0), *single = dm_value_list(e->a, 0);
    if (tasks->kind == DM_STRING)
        dm_list_add(e->a, ids = single, tasks);
    else
        DM_TRY(dm_items(e, tasks, &ids));
    DM_TRY(dm_eval_charge(e, ids->list.n * ids->list.n));
    for (size_t i = 0; i < ids->list.n; i++)
        if (!comes_again(ids, i))
            DM_TRY(pull_several(e, c, ids->list.items[i], indexes, values));
    *ret = dm_object_value(e, &dm_class_xcoms, values);
    return 0;
}
