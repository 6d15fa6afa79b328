/* The log: formatting of lines, the context of fields, and the masking of secrets. */
#include "base/log.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/time.h"

enum { SECRETS_MAX = 256 };

static struct {
    int fd;
    enum dm_log_level least;
    const char *comp;
    bool json;
    void (*sink)(void *user, struct dm_str line); /* NULL = fd */
    void *user;
} out = {.fd = 2, .least = DM_LOG_INFO, .comp = "daymill"};

static _Thread_local const struct dm_log_field *fields;
static char *secrets[SECRETS_MAX];
static size_t n_secrets;

void dm_log_open(int fd, enum dm_log_level least, const char *comp)
{
    out.fd = fd;
    out.least = least;
    out.comp = comp;
    out.json = !isatty(fd);
    out.sink = NULL;
}

void dm_log_open_sink(void (*sink)(void *user, struct dm_str line), void *user, bool json,
                      enum dm_log_level least, const char *comp)
{
    out.sink = sink;
    out.user = user;
    out.least = least;
    out.comp = comp;
    out.json = json;
}

void dm_log_push(struct dm_log_field *f, const char *key, const char *value)
{
    *f = (struct dm_log_field){fields, key, value};
    fields = f;
}

void dm_log_pop(const struct dm_log_field *f)
{
    fields = f->outer;
}

void dm_log_mask(const char *secret)
{
    if (!secret || strlen(secret) < 3 || n_secrets == SECRETS_MAX)
        return;
    for (size_t i = 0; i < n_secrets; i++)
        if (strcmp(secrets[i], secret) == 0)
            return;
    secrets[n_secrets++] = dm_strdup(secret);
}

void dm_mask_text(char *text)
{
    for (size_t i = 0; i < n_secrets; i++) {
        size_t n = strlen(secrets[i]);
        for (char *q = text; (q = strstr(q, secrets[i]));) {
            memcpy(q, "***", 3);
            memmove(q + 3, q + n, strlen(q + n) + 1);
            q += 3;
        }
    }
}

/* Bytes that end a value, or that a terminal would obey. */
static bool needs_quotes(const char *value)
{
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == '=' || *p == '"')
            return true;
    return !*value;
}

void dm_log_add_field(struct dm_strbuf *b, bool json, const char *key, const char *value)
{
    if (json) {
        dm_strbuf_addf(b, ",\"%s\":", key);
        dm_strbuf_add_json(b, dm_str_c(value));
    } else {
        dm_strbuf_addf(b, " %s=", key);
        if (needs_quotes(value))
            dm_strbuf_add_json(b, dm_str_c(value));
        else
            dm_strbuf_adds(b, value);
    }
}

/* Masked before it is quoted: a secret with a quote in it must still be found. */
static void add_field(struct dm_strbuf *b, const char *key, const char *value)
{
    if (n_secrets == 0) {
        dm_log_add_field(b, out.json, key, value);
        return;
    }
    char *masked = dm_strdup(value);
    dm_mask_text(masked);
    dm_log_add_field(b, out.json, key, masked);
    free(masked);
}

static void add_outer_fields(struct dm_strbuf *b, const struct dm_log_field *f)
{
    if (!f)
        return;
    add_outer_fields(b, f->outer);
    add_field(b, f->key, f->value);
}

static void line(enum dm_log_level level, const char *message, const struct dm_err *err)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if (level < out.least)
        return;
    char ts[DM_TIME_MAX];
    dm_time_isoz(dm_clock_now(), ts);
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    dm_strbuf_addf(
        &b, out.json ? "{\"ts\":\"%s\",\"level\":\"%s\",\"comp\":\"%s\"" : "ts=%s level=%s comp=%s",
        ts, names[level], out.comp);
    add_outer_fields(&b, fields);
    add_field(&b, "msg", message);
    if (err) {
        char place[DM_ERR_FILE_MAX + 32];
        add_field(&b, "code", dm_code_name(err->code));
        if (err->file[0]) {
            snprintf(place, sizeof(place), "%s:%d:%d", err->file, err->line, err->col);
            add_field(&b, "at", place);
        }
        if (err->detail[0])
            add_field(&b, "detail", err->detail);
        if (err->hint[0])
            add_field(&b, "hint", err->hint);
    }
    dm_strbuf_adds(&b, out.json ? "}\n" : "\n");
    if (out.sink) {
        out.sink(out.user, dm_strbuf_str(&b));
        return;
    }
    /* A log that cannot be written has nowhere to say so. */
    int ignored = dm_write_all(out.fd, b.p, strlen(b.p), NULL);
    (void)ignored;
}

void dm_log(enum dm_log_level level, const char *fmt, ...)
{
    char message[DM_ERR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    line(level, message, NULL);
}

void dm_log_err(enum dm_log_level level, const struct dm_err *err)
{
    line(level, err->message, err);
}
