/* Finds the file of a time zone in the system's tz database. */
#include "base/file.h"
#include "lang/zone.h"

static const char root[] = "/usr/share/zoneinfo";

/* Names are relative paths of letters, digits, "_", "+", "-"; nothing else is looked for on the disk. */
static bool plausible(const char *name)
{
    if (!*name || *name == '/' || strlen(name) > 64)
        return false;
    for (const char *p = name; *p; p++) {
        bool alnum = (*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z');
        if (!alnum && *p != '/' && *p != '_' && *p != '+' && *p != '-')
            return false;
    }
    return true;
}

static int unknown_zone(struct dm_arena *a, const char *name, struct dm_err *reterr)
{
    if (!dm_is_dir(root)) {
        dm_err_set(reterr, DM_E_NOTFOUND, "time zone \"%s\" needs the tz database", name);
        dm_err_hint(reterr, "Install the package tzdata.");
        return DM_E_NOTFOUND;
    }
    dm_err_set(reterr, DM_E_NOTFOUND, "there is no time zone \"%s\"", name);
    const char *slash = strrchr(name, '/'), *near = NULL, *const * names;
    const char *dir = slash ? dm_arena_printf(a, "%s/%.*s", root, (int)(slash - name), name) : root;
    size_t n;
    if (plausible(name) && dm_is_dir(dir) && dm_list_dir(a, dir, &names, &n, NULL) == 0)
        near = dm_str_nearest(dm_str_c(slash ? slash + 1 : name), names);
    if (near)
        dm_err_hint(reterr, "Did you mean \"%.*s%s\"?", slash ? (int)(slash + 1 - name) : 0, name,
                    near);
    return DM_E_NOTFOUND;
}

int dm_zone_load(struct dm_arena *a, const char *name, const struct dm_zone **ret,
                 struct dm_err *reterr)
{
    struct dm_str bytes;
    if (strcmp(name, "UTC") == 0) {
        *ret = &dm_zone_utc;
        return 0;
    }
    const char *path = plausible(name) ? dm_path_join(a, root, name) : NULL;
    if (!path || !dm_exists(path) || dm_is_dir(path))
        return unknown_zone(a, name, reterr);
    DM_TRY(dm_file_read(a, path, DM_ZONE_FILE_MAX, &bytes, reterr));
    return dm_zone_parse(a, name, bytes, ret, reterr);
}
