/* The fields of operators: what their types are called, and which values they take. */
#include "lang/dag_loader.h"

static bool is_template(const struct dm_value *v)
{
    return v->kind == DM_STRING &&
           (dm_str_find(v->s, DM_STR("{{"), 0) >= 0 || dm_str_find(v->s, DM_STR("{%"), 0) >= 0);
}

static bool list_of_texts(const struct dm_value *v)
{
    if (v->kind != DM_LIST && v->kind != DM_TUPLE)
        return false;
    for (size_t i = 0; i < v->list.n; i++)
        if (v->list.items[i]->kind != DM_STRING)
            return false;
    return true;
}

const char *dm_field_type_name(enum dm_field_type type)
{
    switch (type) {
    case DM_FIELD_STRING:
        return "a text";
    case DM_FIELD_INT:
        return "a whole number";
    case DM_FIELD_NUMBER:
        return "a number";
    case DM_FIELD_BOOL:
        return "true or false";
    case DM_FIELD_DURATION:
        return "a number of seconds or a timedelta";
    case DM_FIELD_LIST:
        return "a list";
    case DM_FIELD_MAP:
        return "a map";
    case DM_FIELD_STRING_OR_LIST:
        return "a text or a list of texts";
    case DM_FIELD_LIST_OR_STRING:
        return "a list, or a text that names a file";
    case DM_FIELD_ANY:
        break;
    }
    return "anything";
}

bool dm_op_field_fits(const struct dm_op_field *f, const struct dm_value *v)
{
    bool list = v->kind == DM_LIST || v->kind == DM_TUPLE;
    int64_t us;
    if (f->templated && is_template(v))
        return true;
    switch (f->type) {
    case DM_FIELD_STRING:
        return v->kind == DM_STRING;
    case DM_FIELD_INT:
        return v->kind == DM_INT;
    case DM_FIELD_NUMBER:
        return v->kind == DM_INT || v->kind == DM_FLOAT;
    case DM_FIELD_BOOL:
        return v->kind == DM_BOOL;
    case DM_FIELD_DURATION:
        return dm_span_parse(v, &us, NULL) == 0 && (v->kind != DM_MAP || dm_map_at(v, "__type__"));
    case DM_FIELD_LIST:
        return list;
    case DM_FIELD_MAP:
        return v->kind == DM_MAP;
    case DM_FIELD_STRING_OR_LIST:
        return v->kind == DM_STRING || list_of_texts(v);
    case DM_FIELD_LIST_OR_STRING:
        return v->kind == DM_STRING || list;
    case DM_FIELD_ANY:
        return true;
    }
    return false;
}

bool dm_says_nothing(const struct dm_value *v)
{
    switch (v->kind) {
    case DM_NULL:
        return true;
    case DM_BOOL:
        return !v->b;
    case DM_INT:
        return v->i == 0;
    case DM_FLOAT:
        return v->f == 0;
    case DM_STRING:
        return v->s.len == 0;
    case DM_LIST:
        return v->list.n == 0;
    case DM_MAP:
        return v->map.n == 0;
    default:
        return false;
    }
}
