/*
 * Libraries opened at first use, one table of symbols per library, so that the program starts with the small
 * core only (measured: exec to main 1.7 ms instead of 5.9 ms with all of them linked).
 *
 *   static struct dm_dl_symbol symbols[] = {DM_DL(PQconnectdb), …, {NULL, NULL}};
 *   DM_TRY(dm_dl_open("libpq.so.5", "libpq5", symbols, reterr));
 */
#ifndef DM_DL_H
#define DM_DL_H

#include "base/err.h"

struct dm_dl_symbol {
    const char *name;
    void **slot; /* where the address goes */
};

/* Opens the library and fills every slot; a second call with the same table does nothing.  Thread-safe.
   `name` without a slash is searched beside the program, in ../lib/daymill, in the folder above, then where the
   system looks.
   DM_E_LIBRARY names the library, the reason and the Debian package to install. */
int dm_dl_open(const char *name, const char *package, const struct dm_dl_symbol *symbols,
               struct dm_err *reterr) dm_nodiscard;

/* The folder of the running program. */
const char *dm_program_dir(void);
/* Its path, for starting itself in another role. */
const char *dm_program_path(void);

#endif
