/*
 * Decompression by the suffix of a file's name, as Hadoop's codecs do it: .gz, .bz2, .deflate, lower case only.
 * zlib and libbz2 are opened at first use.
 *
 * Errors are found when Hadoop finds them: the bytes before them are handed out first, except those of the step
 * that the error spoils.
 */
#ifndef DM_TEXT_CODEC_H
#define DM_TEXT_CODEC_H

#include "text/bytes.h"
#include "text/text_err.h"

#include <stdbool.h>
#include <sys/types.h>

struct dm_codec;

/* Raw bytes of the file; 0 at its end, negative error. */
typedef ssize_t (*dm_codec_read_fn)(void *arg, uint8_t *p, size_t n, struct dm_text_err *reterr);

/* Sets *ret_codec to NULL where the name has no suffix of a codec.  DM_TEXT_E_CODEC: one that Hadoop knows and that
   is not supported here or there (.zst, .snappy, .lz4). */
int dm_codec_open(const char *name, dm_codec_read_fn read, void *arg, struct dm_codec **ret_codec,
                  struct dm_text_err *reterr) dm_text_nodiscard;
/* Decompressed bytes; 0 at the end, negative error. */
ssize_t dm_codec_read(struct dm_codec *c, uint8_t *p, size_t n, struct dm_text_err *reterr);
void dm_codec_free(struct dm_codec *c);

#endif
