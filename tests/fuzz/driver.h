/* The parts of a target's own main(), for compilers without libFuzzer. */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include "base/arena.h"
#include "base/str.h"

struct fuzz_corpus {
    const char **paths;
    struct dm_str *inputs;
    size_t n, cap;
};

/* Runs the target on a copy that ends where the input ends, so that a sanitizer sees a read beyond it.  A call that
   takes more than FUZZ_CPU_SECONDS of processor time ends the program. */
void fuzz_run(struct dm_str input);
enum { FUZZ_CPU_SECONDS = 10 };

/* Mutates inputs of the corpus for so long; the sequence follows from the seed.  The input that the program died of
   stays in the file `out`. */
int fuzz_mutate(const struct fuzz_corpus *c, struct dm_str dictionary, uint64_t seed,
                int64_t seconds, const char *out);

#endif
