/*
 * What a fuzz target is: a program that takes any bytes through one parser and checks what must hold whatever they
 * are.  It says nothing, keeps nothing between two calls, and gives the same answer each time.
 *
 * Each target file defines LLVMFuzzerTestOneInput, which always returns 0.  main() is libFuzzer's, or driver.c.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Exported for libFuzzer, although the program hides its names. */
__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold; says what does not, and aborts. */
#define FUZZ_CHECK(cond, ...)                                                         \
    do {                                                                              \
        if (!(cond)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s: ", __FILE__, __LINE__, #cond); \
            fprintf(stderr, __VA_ARGS__);                                             \
            fputc('\n', stderr);                                                      \
            abort();                                                                  \
        }                                                                             \
    } while (0)

static inline struct dm_str fuzz_text(const uint8_t *data, size_t size)
{
    return dm_str_n((const char *)data, size);
}

/* Cuts the bytes before the next `sep` off *rest; the whole rest where there is none. */
static inline struct dm_str fuzz_part(struct dm_str *rest, char sep)
{
    struct dm_str part = {"", 0};
    if (rest->p)
        dm_str_split(rest, sep, &part);
    return part;
}

/* A failure says what went wrong, with the code that was returned. */
static inline void fuzz_check_err(int rc, const struct dm_err *err)
{
    FUZZ_CHECK(rc < 0 && err->code == rc && err->message[0], "%s, but %s \"%s\"", dm_code_name(rc),
               dm_code_name(err->code), err->message);
}

#endif
