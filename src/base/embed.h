/* Files that the build puts into the program (tools/embed.py). */
#ifndef DM_EMBED_H
#define DM_EMBED_H

#include <stddef.h>

struct dm_embedded {
    const char *name; /* path below the embedded root; NULL ends the table */
    size_t size;
    const char *bytes;
};

#endif
