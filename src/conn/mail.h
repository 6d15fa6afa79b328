/*
 * A mail as bytes (RFC 5322 and MIME).  Pure: the date and the number of the boundary come in.
 */
#ifndef DM_MAIL_H
#define DM_MAIL_H

#include "lang/value.h"

enum {
    DM_MAIL_MAX = 48 << 20, /* bytes of a message as it is sent */
    DM_MAIL_ADDRESSES_MAX = 1000,
};

struct dm_mail_file {
    const char *name; /* without its folder */
    struct dm_str bytes;
};

struct dm_mail {
    const char *from;
    const char *const *to, *const *cc; /* NULL-terminated; cc may be NULL */
    struct dm_str subject, html;
    const char *subtype;            /* of the parts together: "mixed" */
    const struct dm_value *headers; /* map of further ones, or NULL */
    const struct dm_mail_file *files;
    size_t n_files;
};

/* Adds the message.  DM_E_INVALID where a header has a line break, DM_E_LIMIT where it is too large. */
int dm_mail_write(struct dm_strbuf *b, const struct dm_mail *m, int64_t now, uint64_t number,
                  struct dm_err *reterr) dm_nodiscard;

/* The addresses of a text or a list of texts, with commas or semicolons between, NULL-terminated: as Airflow splits
   them.  What is no address is DM_E_INVALID. */
int dm_mail_addresses(struct dm_arena *a, const struct dm_value *v, const char *const **ret,
                      struct dm_err *reterr) dm_nodiscard;
/* "a@b" of "Name <a@b>". */
const char *dm_mail_mailbox(struct dm_arena *a, const char *address);

#endif
