/* Arenas: a list of blocks, the newest first, and a list of clean-ups. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>

enum { BLOCK_MIN = 4096, BLOCK_MAX = 256 * 1024, ALIGN = 16 };

struct dm_arena_block {
    struct dm_arena_block *next;
    size_t used, size;
    _Alignas(ALIGN) unsigned char data[];
};

struct dm_arena_cleanup {
    struct dm_arena_cleanup *next;
    void (*fn)(void *arg);
    void *arg;
};

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "daymill: out of memory (%zu bytes)\n", size);
    abort();
}

void *dm_malloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *dm_calloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p)
        out_of_memory(n * size);
    return p;
}

void *dm_realloc(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);
    if (!q)
        out_of_memory(size);
    return q;
}

enum { ROOM_FIRST = 16 };

void *dm_room(void *list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return list;
    *cap = *cap ? *cap * 2 : ROOM_FIRST;
    return dm_realloc(list, *cap * size);
}

char *dm_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(dm_malloc(n), s, n);
}

char *dm_asprintf(const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        out_of_memory(0);
    va_end(ap);
    return s;
}

void dm_freep(void *pp)
{
    free(*(void **)pp);
}

void dm_arena_init(struct dm_arena *a)
{
    *a = (struct dm_arena){0};
}

static struct dm_arena_block *new_block(struct dm_arena *a, size_t size)
{
    struct dm_arena_block *b = dm_malloc(sizeof(*b) + size);
    b->used = 0;
    b->size = size;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void dm_arena_reserve(struct dm_arena *a, size_t total)
{
#ifndef DM_ARENA_MALLOC
    if (!a->blocks && total)
        new_block(a, total);
#endif
}

void *dm_arena_alloc(struct dm_arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        out_of_memory(size);
    size_t need = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct dm_arena_block *b = a->blocks;
#ifdef DM_ARENA_MALLOC
    b = new_block(a, size ? size : 1);
    need = b->size;
#else
    if (!b || b->size - b->used < need) {
        size_t grow = b ? b->size * 2 : BLOCK_MIN;
        if (grow > BLOCK_MAX)
            grow = BLOCK_MAX;
        if (need > grow / 4 && b) {
            /* A large piece gets a block of its own behind the current one, which stays in use. */
            struct dm_arena_block *own = dm_malloc(sizeof(*own) + need);
            own->used = own->size = need;
            own->next = b->next;
            b->next = own;
            a->total += need;
            return memset(own->data, 0, need);
        }
        b = new_block(a, need > grow ? need : grow);
    }
#endif
    void *p = b->data + b->used;
    b->used += need;
    a->total += need;
    return memset(p, 0, need);
}

void *dm_arena_dup(struct dm_arena *a, const void *p, size_t size)
{
    void *q = dm_arena_alloc(a, size);
    if (size)
        memcpy(q, p, size);
    return q;
}

char *dm_arena_strndup(struct dm_arena *a, const char *s, size_t n)
{
    char *p = dm_arena_alloc(a, n + 1);
    if (n)
        memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *dm_arena_strdup(struct dm_arena *a, const char *s)
{
    return dm_arena_strndup(a, s, strlen(s));
}

char *dm_arena_printf(struct dm_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        out_of_memory(0);
    char *p = dm_arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

void dm_arena_defer(struct dm_arena *a, void (*fn)(void *arg), void *arg)
{
    struct dm_arena_cleanup *c = dm_arena_new(a, struct dm_arena_cleanup);
    c->fn = fn;
    c->arg = arg;
    c->next = a->cleanups;
    a->cleanups = c;
}

void dm_arena_reset(struct dm_arena *a)
{
    while (a->cleanups) {
        struct dm_arena_cleanup *c = a->cleanups;
        a->cleanups = c->next;
        c->fn(c->arg);
    }
    while (a->blocks) {
        struct dm_arena_block *b = a->blocks;
        a->blocks = b->next;
        free(b);
    }
    a->total = 0;
}

void dm_arena_release(struct dm_arena *a)
{
    if (a)
        dm_arena_reset(a);
}

void *dm_arena_room(struct dm_arena *a, void *list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return list;
    *cap = *cap ? *cap * 2 : ROOM_FIRST;
    void *grown = dm_arena_alloc(a, *cap * size);
    if (n)
        memcpy(grown, list, n * size);
    return grown;
}
