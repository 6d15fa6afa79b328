/* YAML as values, with the tags of both generations of dag-factory: what is read becomes JSON and stays it. */
#include "lang/yaml.h"
#include "fuzz.h"

static void take_warning(void *user, uint32_t line, uint32_t col, const char *message)
{
    FUZZ_CHECK(line > 0 && col > 0 && message[0], "%u:%u: \"%s\"", line, col, message);
}

static uint32_t lines_in(struct dm_str text)
{
    uint32_t n = 1;
    for (size_t i = 0; i < text.len; i++)
        n += text.p[i] == '\n' || text.p[i] == '\r';
    return n;
}

/* Every value says where it stands; NEL and the two Unicode separators break lines too, three bytes at most. */
static void check_places(const struct dm_value *v, uint32_t lines)
{
    FUZZ_CHECK(v->line >= 1 && v->line <= lines && v->col >= 1, "%s at %u:%u of %u lines",
               dm_kind_name(v->kind), v->line, v->col, lines);
    for (size_t i = 0; v->kind == DM_LIST && i < v->list.n; i++)
        check_places(v->list.items[i], lines);
}

/* What was read from JSON once is written the same from then on; before that, keys of other kinds may become one. */
static void check_json(struct dm_arena *a, const struct dm_value *v)
{
    struct dm_err err;
    struct dm_value *once, *twice;
    if (dm_value_from_json(a, dm_value_json(a, v), &once, &err) < 0)
        return; /* a key with a NUL byte, or too large */
    struct dm_str json = dm_value_json(a, once);
    int rc = dm_value_from_json(a, json, &twice, &err);
    FUZZ_CHECK(rc == 0 && dm_str_eq(dm_value_json(a, twice), json), "%.*s", DM_FMT(json));
}

static void parse(struct dm_str text, bool operators)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err = {0};
    const struct dm_value *v;
    int rc = dm_yaml_parse_dag(&a, text, "f.yaml", operators, take_warning, NULL, &v, &err);
    if (rc < 0) {
        fuzz_check_err(rc, &err);
        return;
    }
    if (v->line) /* an empty text has no place */
        check_places(v, lines_in(text) + (uint32_t)text.len / 2);
    check_json(&a, v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dm_str text = fuzz_text(data, size);
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err = {0};
    struct dm_value *scalar;
    int rc = dm_yaml_scalar(&a, text, &scalar, &err);
    if (rc < 0)
        fuzz_check_err(rc, &err);
    parse(text, false);
    parse(text, true);
    return 0;
}
