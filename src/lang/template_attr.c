/* Attributes, items and slices of values in templates. */
#include "lang/object.h"

#include "lang/utf8.h"

/* What every Python object has, and what containers and functions have: reading one is refused, not undefined. */
static const char *const every_private[] = {
    "__class__",
    "__doc__",
    "__init__",
    "__new__",
    "__repr__",
    "__str__",
    "__eq__",
    "__ne__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__hash__",
    "__dir__",
    "__format__",
    "__getattribute__",
    "__setattr__",
    "__delattr__",
    "__reduce__",
    "__reduce_ex__",
    "__sizeof__",
    "__subclasshook__",
    "__init_subclass__",
    "__getstate__",
    NULL,
};
static const char *const container_private[] = {
    "__len__", "__iter__", "__getitem__", "__contains__", "__add__", "__mul__", "__rmul__", NULL,
};
static const char *const map_private[] = {
    "__len__",     "__iter__",    "__getitem__",  "__contains__",
    "__setitem__", "__delitem__", "__reversed__", "__class_getitem__",
    "__or__",      "__ior__",     "__ror__",      NULL,
};
static const char *const number_private[] = {
    "__abs__",   "__add__",  "__bool__", "__divmod__",  "__float__", "__floordiv__", "__int__",
    "__mod__",   "__mul__",  "__neg__",  "__pos__",     "__pow__",   "__radd__",     "__rmul__",
    "__round__", "__rsub__", "__sub__",  "__truediv__", "__trunc__", NULL,
};
static const char *const function_private[] = {
    "__name__", "__call__", "__self__", "__qualname__", "__module__", "__text_signature__", NULL,
};
static const char *const object_private[] = {"__dict__", "__module__", "__weakref__", "__name__",
                                             NULL};

static bool listed(const char *const *names, struct dm_str name)
{
    for (; *names; names++)
        if (dm_str_is(name, *names))
            return true;
    return false;
}

static bool is_private(const struct dm_value *v, struct dm_str name)
{
    if (name.len < 2 || name.p[0] != '_' || name.p[1] != '_')
        return false;
    if (listed(every_private, name))
        return true;
    switch (v->kind) {
    case DM_STRING:
    case DM_LIST:
    case DM_TUPLE:
        return listed(container_private, name);
    case DM_MAP:
        return listed(map_private, name);
    case DM_INT:
    case DM_BOOL:
    case DM_BIG:
    case DM_FLOAT:
        return listed(number_private, name);
    case DM_OBJECT:
        return v->object->cls == &dm_class_bound ? listed(function_private, name)
                                                 : listed(object_private, name);
    default:
        return false;
    }
}

int dm_attribute(struct dm_eval *e, const struct dm_value *v, struct dm_str name,
                 const struct dm_value **ret)
{
    const struct dm_callable *methods = NULL;
    switch (v->kind) {
    case DM_STRING:
        methods = dm_str_methods;
        break;
    case DM_LIST:
        methods = dm_list_methods;
        break;
    case DM_TUPLE:
        methods = dm_tuple_methods;
        break;
    case DM_MAP:
        methods = dm_map_methods;
        break;
    case DM_DATETIME:
    case DM_DATE:
        return dm_date_attr(e, v, name, ret);
    case DM_DELTA:
        return dm_delta_attr(e, v, name, ret);
    case DM_OBJECT:
        return v->object->cls->attr ? v->object->cls->attr(e, v, name, ret) : 0;
    case DM_INT:
    case DM_BOOL:
    case DM_BIG:
    case DM_FLOAT:
        return dm_number_attr(e, v, name, ret);
    default:
        return 0;
    }
    const struct dm_callable *method = dm_callable_find(methods, name);
    if (!method)
        return 0;
    *ret = dm_bound(e, method, v);
    return 1;
}

/* v[key] of Python: 1, 0 where there is none. */
static int subscript(struct dm_eval *e, const struct dm_value *v, const struct dm_value *key,
                     const struct dm_value **ret)
{
    if (v->kind == DM_MAP) {
        const struct dm_value *item = dm_is_hashable(key) ? dm_map_get_value(v, key) : NULL;
        if (item)
            *ret = item;
        return item != NULL;
    }
    if (v->kind == DM_OBJECT)
        return v->object->cls->item ? v->object->cls->item(e, v, key, ret) : 0;
    if (!dm_is_int(key))
        return 0;
    int64_t i = dm_int_of(key);
    if (v->kind == DM_STRING) {
        int64_t n = (int64_t)dm_utf8_count(v->s);
        i += i < 0 ? n : 0;
        if (i < 0 || i >= n)
            return 0;
        size_t from = dm_utf8_offset(v->s, (size_t)i), to = dm_utf8_offset(v->s, (size_t)i + 1);
        *ret = dm_str_value(e, dm_str_sub(v->s, from, to));
        return 1;
    }
    if (v->kind != DM_LIST && v->kind != DM_TUPLE)
        return 0;
    i += i < 0 ? (int64_t)v->list.n : 0;
    if (i < 0 || i >= (int64_t)v->list.n)
        return 0;
    *ret = v->list.items[i];
    return 1;
}

static const struct dm_value *unsafe(struct dm_eval *e, const struct dm_value *v,
                                     struct dm_str name)
{
    return dm_undefined(e, DM_TE_SECURITY, "access to attribute '%.*s' of '%s' object is unsafe.",
                        DM_FMT(name), dm_type_name(v));
}

static const struct dm_value *missing(struct dm_eval *e, const struct dm_value *v,
                                      const struct dm_value *key)
{
    if (v->kind == DM_NULL && key->kind == DM_STRING)
        return dm_undefined(e, DM_TE_UNDEFINED, "'None' has no attribute '%.*s'", DM_FMT(key->s));
    if (key->kind == DM_STRING)
        return dm_undefined(e, DM_TE_UNDEFINED, "'%s object' has no attribute '%.*s'",
                            dm_type_name(v), DM_FMT(key->s));
    if (dm_is_int(key))
        return dm_undefined(e, DM_TE_UNDEFINED, "%s object has no element %lld", dm_type_name(v),
                            (long long)dm_int_of(key));
    return dm_undefined(e, DM_TE_UNDEFINED, "%s object has no such element", dm_type_name(v));
}

int dm_getattr(struct dm_eval *e, const struct dm_value *v, struct dm_str name,
               const struct dm_value **ret)
{
    DM_TRY(dm_eval_defined(e, v));
    if (is_private(v, name)) {
        *ret = unsafe(e, v, name);
        return 0;
    }
    int rc = dm_attribute(e, v, name, ret);
    struct dm_value key = {.kind = DM_STRING, .s = name};
    if (rc == 0)
        rc = subscript(e, v, &key, ret);
    if (rc == 0)
        *ret = missing(e, v, &key);
    return rc < 0 ? rc : 0;
}

int dm_getitem(struct dm_eval *e, const struct dm_value *v, const struct dm_value *key,
               const struct dm_value **ret)
{
    DM_TRY(dm_eval_defined(e, v));
    DM_TRY(dm_eval_defined(e, key));
    int rc = subscript(e, v, key, ret);
    if (rc == 0 && key->kind == DM_STRING) {
        if (is_private(v, key->s)) {
            *ret = unsafe(e, v, key->s);
            return 0;
        }
        rc = dm_attribute(e, v, key->s, ret);
    }
    if (rc == 0)
        *ret = missing(e, v, key);
    return rc < 0 ? rc : 0;
}

/* One bound of a slice as Python clips it. */
static int bound(struct dm_eval *e, const struct dm_value *v, int64_t n, int64_t step,
                 int64_t fallback, int64_t *ret)
{
    DM_TRY(dm_eval_defined(e, v));
    if (v->kind == DM_NULL) {
        *ret = fallback;
        return 0;
    }
    if (!dm_is_int(v) && v->kind != DM_BIG)
        return dm_eval_fail(e, DM_TE_TYPE,
                            "slice indices must be integers or None or have an __index__ method");
    int64_t i = v->kind != DM_BIG ? dm_int_of(v) : dm_float_of(v) < 0 ? INT64_MIN / 2 : n;
    if (i < 0)
        i += n;
    if (i < 0)
        i = step < 0 ? -1 : 0;
    if (i >= n)
        i = step < 0 ? n - 1 : n;
    *ret = i;
    return 0;
}

static int slice_text(struct dm_eval *e, struct dm_str s, int64_t from, int64_t step, int64_t n,
                      const struct dm_value **ret)
{
    struct dm_value chars = {.kind = DM_STRING, .s = s};
    if (step == 1) {
        size_t a = dm_utf8_offset(s, (size_t)from), b = dm_utf8_offset(s, (size_t)(from + n));
        *ret = dm_str_value(e, dm_str_sub(s, a, b));
        return dm_eval_charge(e, s.len);
    }
    struct dm_value *items;
    DM_TRY(dm_items(e, &chars, &items));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (int64_t i = 0; i < n; i++)
        dm_strbuf_addstr(&b, items->list.items[from + i * step]->s);
    return dm_new_text(e, &b, ret);
}

int dm_slice(struct dm_eval *e, const struct dm_value *v, const struct dm_value *from,
             const struct dm_value *to, const struct dm_value *step, const struct dm_value **ret)
{
    DM_TRY(dm_eval_defined(e, v));
    bool object = v->kind == DM_OBJECT && v->object->cls->slice;
    if (!object && v->kind != DM_STRING && v->kind != DM_LIST && v->kind != DM_TUPLE) {
        return dm_eval_fail(e, DM_TE_TYPE,
                            v->kind == DM_MAP ? "unhashable type: 'slice' (of a %s)"
                                              : "'%s' object is not subscriptable",
                            dm_type_name(v));
    }
    struct dm_call steps = {.name = "slice", .arg = {step->kind == DM_NULL ? NULL : step}};
    int64_t n, by, first, last;
    DM_TRY(dm_param_int(e, &steps, 0, 1, &by));
    if (by == 0)
        return dm_eval_fail(e, DM_TE_VALUE, "slice step cannot be zero");
    DM_TRY(dm_length(e, v, &n));
    if (by > n + 1)
        by = n + 1;
    if (by < -n - 1)
        by = -n - 1;
    DM_TRY(bound(e, from, n, by, by < 0 ? n - 1 : 0, &first));
    DM_TRY(bound(e, to, n, by, by < 0 ? -1 : n, &last));
    int64_t count = by > 0 ? (last - first + by - 1) / by : (first - last - by - 1) / -by;
    if (count < 0)
        count = 0;
    if (object)
        return v->object->cls->slice(e, v, first, by, count, ret);
    if (v->kind == DM_STRING)
        return slice_text(e, v->s, first, by, count, ret);
    DM_TRY(dm_eval_charge(e, (uint64_t)count * sizeof(void *)));
    struct dm_value *list = dm_value_list(e->a, (size_t)count);
    list->kind = v->kind;
    for (int64_t i = 0; i < count; i++)
        list->list.items[i] = v->list.items[first + i * by];
    *ret = list;
    return 0;
}
