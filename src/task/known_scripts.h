/*
 * The scripts that the native classifier stands in for, known by digest: SHA-256 of the text after CRLF -> LF and with
 * exactly one LF at its end.  Nothing else is answered natively.
 */
#ifndef DM_KNOWN_SCRIPTS_H
#define DM_KNOWN_SCRIPTS_H

#include "base/digest.h"
#include "base/str.h"

/* How the script reads CSV. */
enum dm_script_dialect {
    DM_SCRIPT_SPARK,   /* Spark's defaults */
    DM_SCRIPT_RFC4180, /* multiLine, escape='"' */
};

struct dm_known_script {
    const char *digest;
    enum dm_script_dialect dialect;
    const char *doc;
};

int dm_script_digest(struct dm_str text, char ret[DM_DIGEST_HEX],
                     struct dm_err *reterr) dm_nodiscard;
/* NULL where nobody knows it. */
const struct dm_known_script *dm_known_script(const char *digest);

#endif
