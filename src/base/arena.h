/*
 * Arenas: memory that lives and dies together (the process, a DAG generation, a tick, a session, a task,
 * a render).
 *
 * Allocation cannot fail (our own out of memory aborts) and needs no free.  `dm_arena_reset` and
 * `dm_arena_release` run the clean-up callbacks in reverse order, so files and library objects can belong
 * to an arena too.  One thread at a time.  Built with -DDM_ARENA_MALLOC (the sanitizer build) every
 * allocation is a malloc, so that ASan sees overruns.
 */
#ifndef DM_ARENA_H
#define DM_ARENA_H

#include <stddef.h>

struct dm_arena_block;
struct dm_arena_cleanup;

struct dm_arena {
    struct dm_arena_block *blocks;
    struct dm_arena_cleanup *cleanups;
    size_t total; /* bytes handed out since the last reset */
};

void dm_arena_init(struct dm_arena *a);
/* Runs the clean-ups and frees everything; the arena can be used again. */
void dm_arena_reset(struct dm_arena *a);
/* The same; takes NULL and a zeroed arena. */
void dm_arena_release(struct dm_arena *a);

/* Of an empty arena: one block that holds pieces of `total` bytes in all (what `total` of another arena says). */
void dm_arena_reserve(struct dm_arena *a, size_t total);

/* Zeroed, aligned for any type. */
void *dm_arena_alloc(struct dm_arena *a, size_t size) __attribute__((malloc, returns_nonnull));
void *dm_arena_dup(struct dm_arena *a, const void *p, size_t size) __attribute__((returns_nonnull));
char *dm_arena_strdup(struct dm_arena *a, const char *s) __attribute__((returns_nonnull));
char *dm_arena_strndup(struct dm_arena *a, const char *s, size_t n)
    __attribute__((returns_nonnull));
char *dm_arena_printf(struct dm_arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
/* Calls fn(arg) when the arena is reset or released. */
void dm_arena_defer(struct dm_arena *a, void (*fn)(void *arg), void *arg);

/* A list of n elements of that size with room for one more: the same one, or a larger copy in the arena. */
void *dm_arena_room(struct dm_arena *a, void *list, size_t n, size_t *cap, size_t size)
    __attribute__((returns_nonnull));

#define dm_arena_new(a, type) ((type *)dm_arena_alloc((a), sizeof(type)))
#define dm_arena_array(a, type, n) ((type *)dm_arena_alloc((a), sizeof(type) * (n)))

#define DM_CLEANUP(fn) __attribute__((cleanup(fn)))
#define _cleanup_arena_ DM_CLEANUP(dm_arena_release)

/* Allocation outside arenas: aborts where memory is out. */
void *dm_malloc(size_t size) __attribute__((malloc, returns_nonnull));
void *dm_calloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *dm_realloc(void *p, size_t size) __attribute__((returns_nonnull));
/* As dm_arena_room, of a list on the heap. */
void *dm_room(void *list, size_t n, size_t *cap, size_t size) __attribute__((returns_nonnull));
char *dm_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *dm_asprintf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), malloc, returns_nonnull));
/* For `_cleanup_free_ char *p`. */
void dm_freep(void *pp);
#define _cleanup_free_ DM_CLEANUP(dm_freep)

#endif
