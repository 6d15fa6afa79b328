/*
 * Golden files: answers that real Airflow, dag-factory or Spark gave, one JSON case per line.
 *   build/tests/golden KIND FILE…
 * A kind knows how to answer one case; the runner (main.c) reads the lines, prints each failing case with expected
 * and got, counts, and ends with "N passed, N failed, N skipped".  Only a case with `quirk` may be skipped.
 */
#ifndef DM_GOLDEN_H
#define DM_GOLDEN_H

#include "lang/value.h"

enum golden_verdict { GOLDEN_PASS, GOLDEN_FAIL, GOLDEN_SKIP };

struct golden_case {
    struct dm_arena *arena;       /* reset after each case */
    const struct dm_value *value; /* the line */
    const char *file;             /* the golden file, for what lies beside it */
    /* Filled by the kind on failure (or skip: `got` says why). */
    const char *expected, *got;
};

struct golden_kind {
    const char *name;
    enum golden_verdict (*run)(struct golden_case *c);
};

#define GOLDEN_KIND(name) extern const struct golden_kind golden_##name;
#include "kinds.def"
#undef GOLDEN_KIND

#endif
