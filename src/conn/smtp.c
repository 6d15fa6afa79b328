/* One mail. */
#include "conn/smtp.h"

#include "conn/curl.h"

struct source {
    struct dm_str rest;
};

static size_t on_read(char *p, size_t size, size_t n, void *user)
{
    struct source *s = user;
    size_t take = size * n < s->rest.len ? size * n : s->rest.len;
    memcpy(p, s->rest.p, take);
    s->rest = dm_str_sub(s->rest, take, s->rest.len);
    return take;
}

static void set_session(CURL *h, const struct dm_smtp *s)
{
    dm_curl.setopt(h, CURLOPT_PROTOCOLS_STR, s->security == DM_SMTP_TLS ? "smtps" : "smtp");
    if (s->security == DM_SMTP_STARTTLS)
        dm_curl.setopt(h, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    if (s->login) {
        dm_curl.setopt(h, CURLOPT_USERNAME, s->login);
        dm_curl.setopt(h, CURLOPT_PASSWORD, s->password ? s->password : "");
    }
}

int dm_smtp_send(const struct dm_smtp *s, const char *from, const char *const *to,
                 struct dm_str message, struct dm_err *reterr)
{
    _cleanup_transfer_ struct dm_transfer t = {.handle = NULL};
    struct source source = {message};
    char url[600];
    bool bare = strchr(s->host, ':') && *s->host != '['; /* an IPv6 address */
    int n = snprintf(url, sizeof(url), "%s://%s%s%s", s->security == DM_SMTP_TLS ? "smtps" : "smtp",
                     bare ? "[" : "", s->host, bare ? "]" : "");
    if (s->port && n < (int)sizeof(url))
        n += snprintf(url + n, sizeof(url) - (size_t)n, ":%d", s->port);
    if (n >= (int)sizeof(url))
        return dm_err_set(reterr, DM_E_INVALID, "the host of the mail server is too long");
    DM_TRY(dm_transfer_begin(&t, s->timeout_us, reterr));
    for (; *to; to++)
        DM_TRY(dm_transfer_add(&t, *to, reterr));
    dm_curl.setopt(t.handle, CURLOPT_URL, url);
    set_session(t.handle, s);
    dm_curl.setopt(t.handle, CURLOPT_MAIL_FROM, from);
    dm_curl.setopt(t.handle, CURLOPT_MAIL_RCPT, t.list);
    dm_curl.setopt(t.handle, CURLOPT_UPLOAD, 1L);
    dm_curl.setopt(t.handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)message.len);
    dm_curl.setopt(t.handle, CURLOPT_READFUNCTION, on_read);
    dm_curl.setopt(t.handle, CURLOPT_READDATA, &source);
    return dm_transfer_run(&t, url, reterr);
}
