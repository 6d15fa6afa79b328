/* Assets: conditions over their URIs. */
#include "lang/asset.h"

static bool is_object(const struct dm_value *v, const char *type)
{
    return v && v->kind == DM_MAP && dm_str_is(dm_map_str(v, "__type__", ""), type);
}

static const struct dm_value *objects(const struct dm_value *v)
{
    const struct dm_value *list = dm_map_at(v, "objects");
    return list && list->kind == DM_LIST ? list : NULL;
}

const struct dm_value *dm_asset_condition(const struct dm_value *schedule)
{
    if (is_object(schedule, "AssetOrTimeSchedule"))
        schedule = dm_map_at(schedule, "assets");
    bool any = is_object(schedule, "Asset") || is_object(schedule, "AssetAll") ||
               is_object(schedule, "AssetAny");
    return any ? schedule : NULL;
}

bool dm_asset_uri(const struct dm_value *v, struct dm_str *ret)
{
    const struct dm_value *uri = is_object(v, "Asset") ? dm_map_at(v, "uri") : v;
    if (!uri || uri->kind != DM_STRING)
        return false;
    *ret = uri->s;
    return true;
}

static void add_uris(struct dm_arena *a, const struct dm_value *v, struct dm_str **list, size_t *n,
                     size_t *cap)
{
    struct dm_str uri;
    const struct dm_value *of = objects(v);
    if (is_object(v, "Asset") && dm_asset_uri(v, &uri)) {
        for (size_t i = 0; i < *n; i++)
            if (dm_str_eq((*list)[i], uri))
                return;
        if (*n == *cap) {
            struct dm_str *grown = dm_arena_array(a, struct dm_str, *cap = *cap ? *cap * 2 : 8);
            if (*n)
                memcpy(grown, *list, *n * sizeof(*grown));
            *list = grown;
        }
        (*list)[(*n)++] = uri;
        return;
    }
    for (size_t i = 0; of && i < of->list.n; i++)
        add_uris(a, of->list.items[i], list, n, cap);
}

struct dm_str *dm_asset_uris(struct dm_arena *a, const struct dm_value *condition, size_t *ret_n)
{
    struct dm_str *list = NULL;
    size_t cap = 0;
    *ret_n = 0;
    add_uris(a, condition, &list, ret_n, &cap);
    return list;
}

bool dm_asset_met(const struct dm_value *condition, bool (*changed)(void *user, struct dm_str uri),
                  void *user)
{
    struct dm_str uri;
    const struct dm_value *of = objects(condition);
    bool all = is_object(condition, "AssetAll");
    if (is_object(condition, "Asset"))
        return dm_asset_uri(condition, &uri) && changed(user, uri);
    for (size_t i = 0; of && i < of->list.n; i++)
        if (dm_asset_met(of->list.items[i], changed, user) != all)
            return !all;
    return all;
}

static void add_text(struct dm_strbuf *b, const struct dm_value *v, bool inner)
{
    struct dm_str uri;
    const struct dm_value *of = objects(v);
    if (is_object(v, "Asset") && dm_asset_uri(v, &uri)) {
        dm_strbuf_addstr(b, uri);
        return;
    }
    bool brackets = inner && of && of->list.n > 1;
    dm_strbuf_adds(b, brackets ? "(" : "");
    for (size_t i = 0; of && i < of->list.n; i++) {
        dm_strbuf_adds(b, i == 0 ? "" : is_object(v, "AssetAll") ? " and " : " or ");
        add_text(b, of->list.items[i], of->list.n > 1);
    }
    dm_strbuf_adds(b, brackets ? ")" : "");
}

void dm_asset_text(struct dm_strbuf *b, const struct dm_value *condition)
{
    add_text(b, condition, false);
}
