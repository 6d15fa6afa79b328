/* Look-ups in the table of operators that the loader is given. */
#include "lang/op_spec.h"

const struct dm_op_spec *dm_op_spec_find(const struct dm_op_table *table, struct dm_str name)
{
    for (size_t i = 0; table->specs[i]; i++) {
        const struct dm_op_spec *s = table->specs[i];
        if (dm_str_is(name, s->name))
            return s;
        for (size_t k = 0; s->aliases && s->aliases[k]; k++)
            if (dm_str_is(name, s->aliases[k]))
                return s;
    }
    return NULL;
}

const struct dm_op_field *dm_op_field_find(const struct dm_op_spec *spec, struct dm_str name)
{
    for (const struct dm_op_field *f = spec->fields; f->name; f++)
        if (dm_str_is(name, f->name) || (f->alias && dm_str_is(name, f->alias)))
            return f;
    return NULL;
}
