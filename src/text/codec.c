/* Decompression with zlib and libbz2, both opened at first use. */
#include "text/codec.h"

#include <bzlib.h>
#include <dlfcn.h>
#include <pthread.h>
#include <zlib.h>

enum { STEP = 64 << 10, GZIP_HEADER = 10 };

struct symbol {
    const char *name;
    void **slot;
};

static int (*z_inflateInit2)(z_stream *, int, const char *, int);
static int (*z_inflate)(z_stream *, int);
static int (*z_inflateReset)(z_stream *);
static int (*z_inflateEnd)(z_stream *);
static int (*bz_init)(bz_stream *, int, int);
static int (*bz_decompress)(bz_stream *);
static int (*bz_end)(bz_stream *);

static const struct symbol zlib_symbols[] = {
    {"inflateInit2_", (void **)&z_inflateInit2},
    {"inflate", (void **)&z_inflate},
    {"inflateReset", (void **)&z_inflateReset},
    {"inflateEnd", (void **)&z_inflateEnd},
    {NULL, NULL},
};
static const struct symbol bzip2_symbols[] = {
    {"BZ2_bzDecompressInit", (void **)&bz_init},
    {"BZ2_bzDecompress", (void **)&bz_decompress},
    {"BZ2_bzDecompressEnd", (void **)&bz_end},
    {NULL, NULL},
};

enum kind { GZIP, DEFLATE, BZIP2, UNSUPPORTED };

static const struct suffix {
    const char *suffix;
    enum kind kind;
} suffixes[] = {
    {".gz", GZIP},         {".deflate", DEFLATE},    {".bz2", BZIP2},
    {".zst", UNSUPPORTED}, {".snappy", UNSUPPORTED}, {".lz4", UNSUPPORTED},
};

struct dm_codec {
    enum kind kind;
    dm_codec_read_fn read;
    void *arg;
    uint8_t in[STEP];
    size_t at, end; /* of the raw bytes in `in` */
    bool inside;    /* a member or stream has begun */
    bool any;       /* something has been read */
    bool open;      /* the library's state is initialised */
    z_stream z;
    bz_stream bz;
};

static int open_library(const char *name, const char *package, const struct symbol *symbols,
                        struct dm_text_err *reterr)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int rc = 0;
    pthread_mutex_lock(&lock);
    void *h = *symbols[0].slot ? NULL : dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!*symbols[0].slot && !h)
        rc = dm_text_fail(reterr, DM_TEXT_E_LIBRARY, "could not load %s (package %s): %s", name,
                          package, dlerror());
    for (const struct symbol *s = h ? symbols + 1 : NULL; s && s->name && !rc; s++)
        if (!(*s->slot = dlsym(h, s->name)))
            rc = dm_text_fail(reterr, DM_TEXT_E_LIBRARY, "%s has no function %s", name, s->name);
    if (h && !rc) /* the first one last: it says that all are there */
        *symbols[0].slot = dlsym(h, symbols[0].name);
    pthread_mutex_unlock(&lock);
    return rc;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);
    return n >= k && strcmp(name + n - k, suffix) == 0;
}

int dm_codec_open(const char *name, dm_codec_read_fn read, void *arg, struct dm_codec **ret_codec,
                  struct dm_text_err *reterr)
{
    const struct suffix *s = NULL;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && !s; i++)
        if (ends_with(name, suffixes[i].suffix))
            s = &suffixes[i];
    if (!s) {
        *ret_codec = NULL;
        return 0;
    }
    if (s->kind == UNSUPPORTED)
        return dm_text_fail(reterr, DM_TEXT_E_CODEC, "cannot read %s files", s->suffix);
    DM_TEXT_TRY(s->kind == BZIP2
                    ? open_library("libbz2.so.1.0", "libbz2-1.0", bzip2_symbols, reterr)
                    : open_library("libz.so.1", "zlib1g", zlib_symbols, reterr));
    struct dm_codec *c = dm_text_realloc(NULL, sizeof(*c));
    memset(c, 0, sizeof(*c));
    c->kind = s->kind;
    c->read = read;
    c->arg = arg;
    *ret_codec = c;
    return 0;
}

/* At least `want` raw bytes in c->in where the file has them. */
static int fill(struct dm_codec *c, size_t want, struct dm_text_err *reterr)
{
    if (c->end - c->at >= want)
        return 0;
    memmove(c->in, c->in + c->at, c->end - c->at);
    c->end -= c->at;
    c->at = 0;
    while (c->end < want) {
        ssize_t n = c->read(c->arg, c->in + c->end, sizeof(c->in) - c->end, reterr);
        if (n < 0)
            return (int)n;
        if (n == 0)
            break;
        c->end += (size_t)n;
    }
    return 0;
}

static int truncated(struct dm_text_err *reterr)
{
    return dm_text_fail(reterr, DM_TEXT_E_TRUNCATED, "the compressed data ends early");
}

static int corrupt(struct dm_text_err *reterr, const char *why)
{
    return dm_text_fail(reterr, DM_TEXT_E_COMPRESSED, "the compressed data is damaged: %s", why);
}

/* Begins a member; 0 at the end of the file, 1 where there is one. */
static int begin_zlib(struct dm_codec *c, struct dm_text_err *reterr)
{
    size_t header = c->kind == GZIP ? GZIP_HEADER : 1;
    DM_TEXT_TRY(fill(c, header, reterr));
    if (c->at == c->end && c->any)
        return 0;
    if (c->end - c->at < header)
        return c->any || c->end > c->at ? truncated(reterr) : 0;
    int rc = c->open ? z_inflateReset(&c->z)
                     : z_inflateInit2(&c->z, c->kind == GZIP ? 15 + 16 : 15, ZLIB_VERSION,
                                      (int)sizeof(z_stream));
    if (rc != Z_OK)
        return corrupt(reterr, "zlib could not start");
    c->open = c->any = c->inside = true;
    return 1;
}

static ssize_t read_zlib(struct dm_codec *c, uint8_t *p, size_t n, struct dm_text_err *reterr)
{
    for (;;) {
        if (!c->inside) {
            int rc = begin_zlib(c, reterr);
            if (rc <= 0)
                return rc;
        }
        DM_TEXT_TRY(fill(c, 1, reterr));
        if (c->at == c->end)
            return truncated(reterr);
        c->z.next_in = c->in + c->at;
        c->z.avail_in = (unsigned)(c->end - c->at);
        c->z.next_out = p;
        c->z.avail_out = (unsigned)n;
        int rc = z_inflate(&c->z, Z_NO_FLUSH);
        c->at = c->end - c->z.avail_in;
        if (rc == Z_STREAM_END)
            c->inside = false;
        else if (rc != Z_OK && rc != Z_BUF_ERROR)
            return corrupt(reterr, c->z.msg ? c->z.msg : "zlib cannot read it");
        if (c->z.avail_out < n)
            return (ssize_t)(n - c->z.avail_out);
    }
}

/* Begins a stream.  What does not look like bzip2 is read as nothing, as Hadoop does. */
static int begin_bzip2(struct dm_codec *c, struct dm_text_err *reterr)
{
    DM_TEXT_TRY(fill(c, 2, reterr));
    if (c->end - c->at < 2 || c->in[c->at] != 'B' || c->in[c->at + 1] != 'Z')
        return 0;
    memset(&c->bz, 0, sizeof(c->bz));
    if (bz_init(&c->bz, 0, 0) != BZ_OK)
        return corrupt(reterr, "libbz2 could not start");
    c->open = c->inside = true;
    return 1;
}

static ssize_t read_bzip2(struct dm_codec *c, uint8_t *p, size_t n, struct dm_text_err *reterr)
{
    for (;;) {
        if (!c->inside) {
            int rc = begin_bzip2(c, reterr);
            if (rc <= 0)
                return rc;
        }
        DM_TEXT_TRY(fill(c, 1, reterr));
        c->bz.next_in = (char *)c->in + c->at;
        c->bz.avail_in = (unsigned)(c->end - c->at);
        c->bz.next_out = (char *)p;
        c->bz.avail_out = (unsigned)n;
        bool no_more = c->at == c->end;
        int rc = bz_decompress(&c->bz);
        c->at = c->end - c->bz.avail_in;
        if (rc == BZ_STREAM_END) {
            bz_end(&c->bz);
            c->open = c->inside = false;
        } else if (rc != BZ_OK) {
            return corrupt(reterr, "libbz2 cannot read it");
        }
        if (c->bz.avail_out < n)
            return (ssize_t)(n - c->bz.avail_out);
        if (no_more && c->inside)
            return corrupt(reterr, "it ends early");
    }
}

ssize_t dm_codec_read(struct dm_codec *c, uint8_t *p, size_t n, struct dm_text_err *reterr)
{
    if (n > STEP)
        n = STEP;
    return c->kind == BZIP2 ? read_bzip2(c, p, n, reterr) : read_zlib(c, p, n, reterr);
}

void dm_codec_free(struct dm_codec *c)
{
    if (!c)
        return;
    if (c->open && c->kind == BZIP2)
        bz_end(&c->bz);
    else if (c->open)
        z_inflateEnd(&c->z);
    free(c);
}
