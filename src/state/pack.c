/* Texts that are kept compressed. */
#include "state/pack.h"

#include <zlib.h>

#include "base/dl.h"

static int (*z_compress2)(Bytef *, uLongf *, const Bytef *, uLong, int);
static uLong (*z_compressBound)(uLong);
static int (*z_uncompress)(Bytef *, uLongf *, const Bytef *, uLong);

static int open_zlib(struct dm_err *reterr)
{
    static const struct dm_dl_symbol symbols[] = {{"compress2", (void **)&z_compress2},
                                                  {"compressBound", (void **)&z_compressBound},
                                                  {"uncompress", (void **)&z_uncompress},
                                                  {NULL, NULL}};
    return dm_dl_open("libz.so.1", "zlib1g", symbols, reterr);
}

struct dm_str dm_pack(struct dm_arena *a, struct dm_str text)
{
    enum { LEVEL = 2 }; /* level 6 saves a tenth more and takes three times as long */
    if (text.len == 0 || open_zlib(NULL) < 0)
        return text;
    uLongf n = z_compressBound(text.len);
    char *to = dm_arena_alloc(a, n);
    if (z_compress2((Bytef *)to, &n, (const Bytef *)text.p, text.len, LEVEL) != Z_OK ||
        n >= text.len)
        return text;
    return dm_str_n(to, n);
}

int dm_unpack(struct dm_arena *a, struct dm_str packed, int64_t bytes, struct dm_str *ret,
              struct dm_err *reterr)
{
    if ((int64_t)packed.len == bytes) {
        *ret = packed;
        return 0;
    }
    if (bytes < 0 || (uint64_t)bytes > DM_BUF_FRAME)
        return dm_err_set(reterr, DM_E_DATA, "a compressed text of %lld bytes", (long long)bytes);
    DM_TRY(open_zlib(reterr));
    uLongf n = (uLongf)bytes;
    char *to = dm_arena_alloc(a, n + 1);
    if (z_uncompress((Bytef *)to, &n, (const Bytef *)packed.p, packed.len) != Z_OK ||
        n != (uLongf)bytes)
        return dm_err_set(reterr, DM_E_DATA, "a compressed text of the store is damaged");
    to[n] = '\0';
    *ret = dm_str_n(to, n);
    return 0;
}
