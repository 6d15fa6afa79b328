/* The bytes of one input: a file (decompressed by its suffix) or a descriptor, read in turn. */
#ifndef DM_TEXT_SOURCE_H
#define DM_TEXT_SOURCE_H

#include "text/codec.h"

struct dm_text_source {
    const char *name; /* for messages; the caller's */
    int fd;
    bool close;
    uint64_t raw_bytes; /* read from fd so far */
    struct dm_codec *codec;
};

/* The source must stay where it is until it is closed. */
int dm_text_source_open(struct dm_text_source *s, const char *path,
                        struct dm_text_err *reterr) dm_text_nodiscard;
/* The descriptor stays the caller's. */
void dm_text_source_from_fd(struct dm_text_source *s, const char *name, int fd);
/* Up to n bytes, 0 only at the end of the input, negative error. */
ssize_t dm_text_source_read(struct dm_text_source *s, uint8_t *p, size_t n,
                            struct dm_text_err *reterr);
void dm_text_source_close(struct dm_text_source *s);

/* Hadoop's local file system checks NAME against .NAME.crc where that lies beside it and is one. */
int dm_text_check_crc(const char *path, struct dm_text_err *reterr) dm_text_nodiscard;

#endif
