/*
 * A map from strings to pointers that keeps insertion order.  Lives in an arena; keys are not copied and must
 * live as long.  Iterate with `for (size_t i = 0; i < m.len; i++) m.entries[i]…`.
 */
#ifndef DM_MAP_H
#define DM_MAP_H

#include "base/str.h"

struct dm_map_entry {
    struct dm_str key;
    void *value;
};

struct dm_map {
    struct dm_arena *arena;
    struct dm_map_entry *entries;
    size_t len, cap;
    uint32_t *slots; /* 0 = free, else index + 1 */
    size_t n_slots;
};

void dm_map_init(struct dm_map *m, struct dm_arena *a);
/* The value, or NULL. */
void *dm_map_get(const struct dm_map *m, struct dm_str key);
bool dm_map_has(const struct dm_map *m, struct dm_str key);
/* Adds or replaces; returns the value that was there, or NULL. */
void *dm_map_put(struct dm_map *m, struct dm_str key, void *value);

#endif
