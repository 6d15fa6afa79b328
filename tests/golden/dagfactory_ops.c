/* The operators of kind `dagfactory` as the loader wants them, made from dagfactory_ops.def. */
#include "dagfactory.h"

static const struct {
    const char *path;
    bool sensor;
    const char *fields;
} rows[] = {
#define GOLDEN_OP(path, sensor, fields) {path, sensor, fields},
#include "dagfactory_ops.def"
#undef GOLDEN_OP
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct dm_op_field read_field(struct dm_arena *a, struct dm_str word)
{
    struct dm_op_field f = {.type = DM_FIELD_ANY};
    ptrdiff_t eq = dm_str_find(word, DM_STR("="), 0);
    struct dm_str name = dm_str_sub(word, 0, eq < 0 ? word.len : (size_t)eq);
    if (eq >= 0)
        f.fallback = dm_str_cstr(a, dm_str_sub(word, (size_t)eq + 1, word.len));
    if (dm_str_ends(name, DM_STR("~")))
        name.len--, f.doc = golden_reworked;
    if (dm_str_ends(name, DM_STR("!")))
        name.len--, f.required = true;
    f.name = dm_str_cstr(a, name);
    return f;
}

static struct dm_op_field *read_fields(struct dm_arena *a, struct dm_str words)
{
    size_t n = 1;
    for (size_t i = 0; i < words.len; i++)
        n += words.p[i] == ' ';
    struct dm_op_field *fields = dm_arena_array(a, struct dm_op_field, n + 1);
    struct dm_str word;
    n = 0;
    while (dm_str_split(&words, ' ', &word))
        if (word.len)
            fields[n++] = read_field(a, word);
    return fields;
}

const char golden_reworked[] = "the operator reworks it";

const struct dm_op_table *golden_dagfactory_ops(struct dm_arena *a)
{
    const struct dm_op_spec **specs = dm_arena_array(a, const struct dm_op_spec *, N_ROWS + 1);
    struct dm_op_table *table = dm_arena_new(a, struct dm_op_table);
    for (size_t i = 0; i < N_ROWS; i++) {
        struct dm_op_spec *s = dm_arena_new(a, struct dm_op_spec);
        s->name = rows[i].path;
        s->sensor = rows[i].sensor;
        s->fields = read_fields(a, dm_str_c(rows[i].fields));
        specs[i] = s;
    }
    table->specs = specs;
    return table;
}
