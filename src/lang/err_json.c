/* Errors as JSON. */
#include "lang/err_json.h"

struct dm_str dm_err_to_json(struct dm_arena *a, const struct dm_err *e)
{
    struct dm_value *map = dm_value_map(a);
    dm_map_set(a, map, "code", dm_value_str(a, dm_str_c(dm_code_name(e->code))));
    dm_map_set(a, map, "message", dm_value_str(a, dm_str_c(e->message)));
    dm_map_set(a, map, "detail", dm_value_str(a, dm_str_c(e->detail)));
    dm_map_set(a, map, "hint", dm_value_str(a, dm_str_c(e->hint)));
    return dm_value_json(a, map);
}

void dm_err_from_json(struct dm_arena *a, const char *json, struct dm_err *ret)
{
    struct dm_value *map;
    if (dm_value_from_json(a, dm_str_c(json), &map, ret) < 0)
        return;
    dm_err_set(ret, dm_code_from_name(dm_str_cstr(a, dm_map_str(map, "code", ""))), "%.*s",
               DM_FMT(dm_map_str(map, "message", "")));
    dm_err_detail(ret, "%.*s", DM_FMT(dm_map_str(map, "detail", "")));
    dm_err_hint(ret, "%.*s", DM_FMT(dm_map_str(map, "hint", "")));
}
