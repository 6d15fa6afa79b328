/* An insertion-ordered hash map in an arena (open addressing over an array of entries). */
#include "base/map.h"

void dm_map_init(struct dm_map *m, struct dm_arena *a)
{
    *m = (struct dm_map){.arena = a};
}

static size_t slot_of(const struct dm_map *m, struct dm_str key)
{
    size_t i = dm_str_hash(key) & (m->n_slots - 1);
    while (m->slots[i] && !dm_str_eq(m->entries[m->slots[i] - 1].key, key))
        i = (i + 1) & (m->n_slots - 1);
    return i;
}

static struct dm_map_entry *find(const struct dm_map *m, struct dm_str key)
{
    if (!m->len)
        return NULL;
    size_t i = slot_of(m, key);
    return m->slots[i] ? &m->entries[m->slots[i] - 1] : NULL;
}

void *dm_map_get(const struct dm_map *m, struct dm_str key)
{
    struct dm_map_entry *e = find(m, key);
    return e ? e->value : NULL;
}

bool dm_map_has(const struct dm_map *m, struct dm_str key)
{
    return find(m, key) != NULL;
}

static void grow(struct dm_map *m)
{
    size_t cap = m->cap ? m->cap * 2 : 8;
    struct dm_map_entry *entries = dm_arena_array(m->arena, struct dm_map_entry, cap);
    if (m->len)
        memcpy(entries, m->entries, m->len * sizeof(*entries));
    m->entries = entries;
    m->cap = cap;
    m->n_slots = cap * 2;
    m->slots = dm_arena_array(m->arena, uint32_t, m->n_slots);
    for (size_t i = 0; i < m->len; i++)
        m->slots[slot_of(m, m->entries[i].key)] = (uint32_t)i + 1;
}

void *dm_map_put(struct dm_map *m, struct dm_str key, void *value)
{
    struct dm_map_entry *e = find(m, key);
    if (e) {
        void *old = e->value;
        e->value = value;
        return old;
    }
    if (m->len == m->cap)
        grow(m);
    m->entries[m->len] = (struct dm_map_entry){key, value};
    m->slots[slot_of(m, key)] = (uint32_t)m->len + 1;
    m->len++;
    return NULL;
}
