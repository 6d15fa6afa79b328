/* Sending mail by SMTP through libcurl, which is opened at first use. */
#ifndef DM_SMTP_H
#define DM_SMTP_H

#include "base/str.h"

struct dm_smtp {
    const char *host;
    int port;                     /* 0 = that of the kind of session */
    const char *login, *password; /* login NULL = none */
    enum {
        DM_SMTP_TLS,      /* from the first byte */
        DM_SMTP_STARTTLS, /* asked for, and required */
        DM_SMTP_PLAIN,
    } security;
    int64_t timeout_us; /* without a byte */
};

/* `from` and `to` (NULL-terminated) are mailboxes without names.  The server takes the message for all of them, or it
   is an error. */
int dm_smtp_send(const struct dm_smtp *s, const char *from, const char *const *to,
                 struct dm_str message, struct dm_err *reterr) dm_nodiscard;

#endif
