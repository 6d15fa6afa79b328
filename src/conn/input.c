/* What a file from outside is known by. */
#include "conn/input.h"

#include <sys/stat.h>

const char *dm_input_identity(struct dm_arena *a, const char *path, int64_t now)
{
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return NULL;
    int64_t written = (int64_t)st.st_mtim.tv_sec * DM_SEC + st.st_mtim.tv_nsec / 1000;
    if (now != DM_NEVER && now - written < DM_RACILY_CLEAN_US)
        return NULL;
    return dm_arena_printf(a, "%lld:%lld.%09ld", (long long)st.st_size,
                           (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}
