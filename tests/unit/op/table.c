/* op/op_table.c: names that the loader can rely on. */
#include "op/op.h"

#include "lang/value.h"
#include "t.h"

static void every_name_means_one_operator(void)
{
    const struct dm_op_table *t = dm_op_table();
    for (size_t i = 0; dm_ops[i]; i++) {
        const struct dm_op_spec *s = &dm_ops[i]->spec;
        T_OK(dm_op_find(s->name) == dm_ops[i]);
        T_OK(dm_ops[i]->execute != NULL);
        T_OK(dm_op_spec_find(t, dm_str_c(s->name)) == s);
        for (size_t k = 0; s->aliases[k]; k++)
            T_OK(dm_op_spec_find(t, dm_str_c(s->aliases[k])) == s);
    }
    for (size_t i = 0; t->refused[i].alias; i++)
        T_OK(!dm_op_spec_find(t, dm_str_c(t->refused[i].alias)));
}

static bool fits(enum dm_field_type type, const struct dm_value *v)
{
    switch (type) {
    case DM_FIELD_STRING:
        return v->kind == DM_STRING;
    case DM_FIELD_INT:
        return v->kind == DM_INT;
    case DM_FIELD_NUMBER:
    case DM_FIELD_DURATION:
        return v->kind == DM_INT || v->kind == DM_FLOAT;
    case DM_FIELD_BOOL:
        return v->kind == DM_BOOL;
    case DM_FIELD_LIST:
        return v->kind == DM_LIST;
    case DM_FIELD_MAP:
        return v->kind == DM_MAP;
    default:
        return true;
    }
}

static void defaults_are_of_the_field_s_type(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    for (size_t i = 0; dm_ops[i]; i++)
        for (const struct dm_op_field *f = dm_ops[i]->spec.fields; f->name; f++) {
            struct dm_value *v;
            if (!f->fallback)
                continue;
            T_OK(!f->required);
            T_TRY(dm_value_from_json(&a, dm_str_c(f->fallback), &v, &err), err);
            if (!fits(f->type, v))
                t_fail(__FILE__, __LINE__, "%s.%s: %s", dm_ops[i]->spec.name, f->name, f->fallback);
        }
}

static void fields_have_names_of_their_own(void)
{
    for (size_t i = 0; dm_ops[i]; i++)
        for (const struct dm_op_field *f = dm_ops[i]->spec.fields; f->name; f++)
            for (const struct dm_op_field *g = f + 1; g->name; g++) {
                T_OK(strcmp(f->name, g->name) != 0);
                T_OK(!f->alias || strcmp(f->alias, g->name) != 0);
                T_OK(!g->alias || strcmp(f->name, g->alias) != 0);
            }
}

T_MAIN(T_CASE(every_name_means_one_operator), T_CASE(defaults_are_of_the_field_s_type),
       T_CASE(fields_have_names_of_their_own))
