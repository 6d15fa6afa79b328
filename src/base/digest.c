/* SHA-256 and SHA-1 through libcrypto's EVP interface. */
#include "base/digest.h"

#include <openssl/evp.h>

#include "base/dl.h"

static EVP_MD_CTX *(*md_new)(void);
static void (*md_free)(EVP_MD_CTX *);
static int (*md_init)(EVP_MD_CTX *, const EVP_MD *, ENGINE *);
static int (*md_update)(EVP_MD_CTX *, const void *, size_t);
static int (*md_final)(EVP_MD_CTX *, unsigned char *, unsigned int *);
static const EVP_MD *(*md_sha256)(void);
static const EVP_MD *(*md_sha1)(void);

static const struct dm_dl_symbol symbols[] = {
    {"EVP_MD_CTX_new", (void **)&md_new},
    {"EVP_MD_CTX_free", (void **)&md_free},
    {"EVP_DigestInit_ex", (void **)&md_init},
    {"EVP_DigestUpdate", (void **)&md_update},
    {"EVP_DigestFinal_ex", (void **)&md_final},
    {"EVP_sha256", (void **)&md_sha256},
    {"EVP_sha1", (void **)&md_sha1},
    {NULL, NULL},
};

int dm_digest_init(struct dm_digest *d, struct dm_err *reterr)
{
    DM_TRY(dm_dl_open("libcrypto.so.3", "libssl3", symbols, reterr));
    d->md = md_new();
    if (!d->md || md_init(d->md, md_sha256(), NULL) != 1) {
        dm_digest_release(d);
        return dm_err_set(reterr, DM_E_NOMEM, "could not start a SHA-256 digest");
    }
    return 0;
}

void dm_digest_add(struct dm_digest *d, const void *p, size_t n)
{
    if (n)
        md_update(d->md, p, n);
}

void dm_digest_add_str(struct dm_digest *d, struct dm_str s)
{
    uint64_t n = s.len;
    dm_digest_add(d, &n, sizeof(n));
    dm_digest_add(d, s.p, s.len);
}

void dm_digest_hex(struct dm_digest *d, char ret[DM_DIGEST_HEX])
{
    unsigned char raw[32];
    md_final(d->md, raw, NULL);
    for (int i = 0; i < 32; i++)
        snprintf(ret + 2 * i, 3, "%02x", raw[i]);
    dm_digest_release(d);
}

void dm_digest_release(struct dm_digest *d)
{
    if (d->md)
        md_free(d->md);
    d->md = NULL;
}

int dm_digest_of(struct dm_str s, char ret[DM_DIGEST_HEX], struct dm_err *reterr)
{
    struct dm_digest d = {0};
    DM_TRY(dm_digest_init(&d, reterr));
    dm_digest_add(&d, s.p, s.len);
    dm_digest_hex(&d, ret);
    return 0;
}

int dm_sha1_of(struct dm_str s, unsigned char ret[DM_SHA1_BYTES], struct dm_err *reterr)
{
    DM_TRY(dm_dl_open("libcrypto.so.3", "libssl3", symbols, reterr));
    EVP_MD_CTX *md = md_new();
    bool ok = md && md_init(md, md_sha1(), NULL) == 1 && md_update(md, s.p, s.len) == 1 &&
              md_final(md, ret, NULL) == 1;
    if (md)
        md_free(md);
    return ok ? 0 : dm_err_set(reterr, DM_E_NOMEM, "could not make a SHA-1 digest");
}

int dm_sha1_modulo(struct dm_str s, uint64_t m, uint64_t *ret, struct dm_err *reterr)
{
    unsigned char digest[DM_SHA1_BYTES];
    DM_TRY(dm_sha1_of(s, digest, reterr));
    uint64_t rest = 0;
    for (unsigned i = 0; i < DM_SHA1_BYTES; i++)
        rest = (uint64_t)(((unsigned __int128)rest << 8 | digest[i]) % m);
    *ret = rest;
    return 0;
}
