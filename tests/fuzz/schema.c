/* Values against JSON Schemas.  The first line is a schema, the rest a value, both in JSON. */
#include "fuzz.h"
#include "lang/schema_check.h"

/* 1 fits, 0 does not, -1 a limit was passed. */
static int fits(const struct dm_value *schema, const struct dm_value *v)
{
    struct dm_err err = {0};
    int rc = dm_schema_check(schema, v, "v", &err);
    if (rc < 0)
        fuzz_check_err(rc, &err);
    return rc == 0 ? 1 : rc == DM_E_LIMIT ? -1 : 0;
}

/* The schema under one keyword; `in_list` for those that take several. */
static const struct dm_value *under(struct dm_arena *a, const char *keyword,
                                    const struct dm_value *schema, bool in_list)
{
    struct dm_value *outer = dm_value_map(a), *list = dm_value_list(a, 0);
    dm_list_add(a, list, schema);
    dm_map_set(a, outer, keyword, in_list ? list : schema);
    return outer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_str rest = fuzz_text(data, size), first = fuzz_part(&rest, '\n');
    struct dm_err err = {0};
    struct dm_value *schema, *v;
    if (dm_value_from_json(&a, first, &schema, &err) < 0 || !rest.p ||
        dm_value_from_json(&a, rest, &v, &err) < 0)
        return 0;
    int rc = dm_schema_valid(schema, &err);
    if (rc < 0) {
        fuzz_check_err(rc, &err);
        return 0;
    }
    int plain = fits(schema, v);
    if (plain < 0 || dm_str_find(first, DM_STR("ref"), 0) >= 0)
        return 0; /* a reference is followed from the outermost schema */
    int all = fits(under(&a, "allOf", schema, true), v);
    int not = fits(under(&a, "not", schema, false), v);
    FUZZ_CHECK((all < 0 || all == plain) && (not < 0 || not == !plain), "%d: allOf %d, not %d",
               plain, all, not );
    return 0;
}
