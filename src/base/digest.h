/* SHA-256 and SHA-1, by OpenSSL's libcrypto opened at first use. */
#ifndef DM_DIGEST_H
#define DM_DIGEST_H

#include "base/str.h"

enum { DM_DIGEST_HEX = 65 }; /* 64 hexadecimal digits and the end */

struct dm_digest {
    void *md; /* EVP_MD_CTX */
};

int dm_digest_init(struct dm_digest *d, struct dm_err *reterr) dm_nodiscard;
void dm_digest_add(struct dm_digest *d, const void *p, size_t n);
/* Adds the length first, so that a list of pieces is unambiguous. */
void dm_digest_add_str(struct dm_digest *d, struct dm_str s);
void dm_digest_hex(struct dm_digest *d, char ret[DM_DIGEST_HEX]); /* ends it */
void dm_digest_release(struct dm_digest *d);
int dm_digest_of(struct dm_str s, char ret[DM_DIGEST_HEX], struct dm_err *reterr) dm_nodiscard;

/* For formats that ask for SHA-1 (Airflow's jitters); nothing of ours relies on it. */
enum { DM_SHA1_BYTES = 20 };
int dm_sha1_of(struct dm_str s, unsigned char ret[DM_SHA1_BYTES],
               struct dm_err *reterr) dm_nodiscard;
/* The digest of the text as one big number, modulo m (> 0): Airflow's jitter. */
int dm_sha1_modulo(struct dm_str s, uint64_t m, uint64_t *ret, struct dm_err *reterr) dm_nodiscard;

#endif
