/* Mails: headers, encodings, parts. */
#include "conn/mail.h"

#include "base/time.h"

enum {
    LINE = 76,             /* characters of an encoded line */
    HEADER_LINE_MAX = 900, /* a longer text is folded as encoded words */
    WORD_BYTES = 45,       /* bytes of an encoded word, so that it stays within 75 characters */
};

/* ---- encodings ---- */

static void add_base64(struct dm_strbuf *b, struct dm_str s, size_t per_line)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t in_line = 0;
    for (size_t i = 0; i < s.len; i += 3) {
        unsigned char x[3] = {0, 0, 0};
        size_t n = s.len - i < 3 ? s.len - i : 3;
        memcpy(x, s.p + i, n);
        uint32_t bits = (uint32_t)x[0] << 16 | (uint32_t)x[1] << 8 | x[2];
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
                        n > 1 ? digits[bits >> 6 & 63] : '=', n > 2 ? digits[bits & 63] : '='};
        dm_strbuf_add(b, four, 4);
        in_line += 4;
        if (per_line && (in_line == per_line || i + 3 >= s.len)) {
            dm_strbuf_adds(b, "\r\n");
            in_line = 0;
        }
    }
}

static bool is_plain(struct dm_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e)
            return false;
    return true;
}

/* RFC 2047; a character of UTF-8 is never cut. */
static void add_words(struct dm_strbuf *b, struct dm_str s)
{
    if (is_plain(s) && s.len < HEADER_LINE_MAX) {
        dm_strbuf_addstr(b, s);
        return;
    }
    for (size_t i = 0, n; i < s.len; i += n) {
        n = s.len - i < WORD_BYTES ? s.len - i : WORD_BYTES;
        while (i + n < s.len && n > 1 && ((unsigned char)s.p[i + n] & 0xc0) == 0x80)
            n--;
        dm_strbuf_adds(b, i ? "\r\n =?utf-8?B?" : "=?utf-8?B?");
        add_base64(b, dm_str_sub(s, i, i + n), 0);
        dm_strbuf_adds(b, "?=");
    }
}

/* ---- headers ---- */

static int add_header(struct dm_strbuf *b, const char *name, struct dm_str value,
                      struct dm_err *reterr)
{
    if (memchr(value.p ? value.p : "", '\n', value.len) ||
        memchr(value.p ? value.p : "", '\r', value.len))
        return dm_err_set(reterr, DM_E_INVALID, "the header %s of the mail has a line break", name);
    dm_strbuf_addf(b, "%s: ", name);
    add_words(b, value);
    dm_strbuf_adds(b, "\r\n");
    return 0;
}

/* "Name <a@b>": only the name may need an encoding. */
static void add_address(struct dm_strbuf *b, const char *address)
{
    const char *open = strrchr(address, '<');
    struct dm_str name =
        open ? dm_str_trim(dm_str_n(address, (size_t)(open - address))) : DM_STR("");
    if (!name.len || is_plain(name)) {
        dm_strbuf_adds(b, address);
        return;
    }
    if (name.len > 1 && name.p[0] == '"' && name.p[name.len - 1] == '"')
        name = dm_str_sub(name, 1, name.len - 1);
    add_words(b, name);
    dm_strbuf_addf(b, " %s", open);
}

static void add_addresses(struct dm_strbuf *b, const char *name, const char *const *list)
{
    for (size_t i = 0; list && list[i]; i++) {
        dm_strbuf_adds(b, i ? ",\r\n " : dm_str_c(name).p);
        if (!i)
            dm_strbuf_adds(b, ": ");
        add_address(b, list[i]);
    }
    if (list && *list)
        dm_strbuf_adds(b, "\r\n");
}

static void add_date(struct dm_strbuf *b, int64_t now)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct dm_civil c = dm_civil_from_us(now);
    dm_strbuf_addf(b, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n",
                   days[dm_weekday(c.year, c.month, c.day)], c.day, months[c.month - 1], c.year,
                   c.hour, c.minute, c.second);
}

static int add_own_headers(struct dm_strbuf *b, const struct dm_value *headers,
                           struct dm_err *reterr)
{
    for (size_t i = 0; headers && i < headers->map.n; i++) {
        const struct dm_pair *p = &headers->map.pairs[i];
        char name[80];
        if (p->key->kind != DM_STRING || p->value->kind != DM_STRING || !p->key->s.len ||
            p->key->s.len >= sizeof(name) || !is_plain(p->key->s) ||
            memchr(p->key->s.p, ':', p->key->s.len))
            return dm_err_set(reterr, DM_E_INVALID, "custom_headers must be names and texts");
        snprintf(name, sizeof(name), "%.*s", DM_FMT(p->key->s));
        DM_TRY(add_header(b, name, p->value->s, reterr));
    }
    return 0;
}

/* ---- parts ---- */

static void add_html(struct dm_strbuf *b, struct dm_str html)
{
    dm_strbuf_adds(b, "Content-Type: text/html; charset=\"utf-8\"\r\n"
                      "Content-Transfer-Encoding: base64\r\n\r\n");
    add_base64(b, html, LINE);
}

/* RFC 2231: any name, percent-encoded. */
static void add_file(struct dm_strbuf *b, const struct dm_mail_file *f)
{
    dm_strbuf_adds(b, "Content-Type: application/octet-stream\r\n"
                      "Content-Disposition: attachment; filename*=utf-8''");
    for (const char *c = f->name; *c; c++) {
        bool plain = (*c >= '0' && *c <= '9') || ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') ||
                     strchr("-_.", *c);
        dm_strbuf_addf(b, plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
    dm_strbuf_adds(b, "\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    add_base64(b, f->bytes, LINE);
}

int dm_mail_write(struct dm_strbuf *b, const struct dm_mail *m, int64_t now, uint64_t number,
                  struct dm_err *reterr)
{
    char boundary[40];
    const char *at = strrchr(m->from, '@');
    struct dm_str host = dm_str_c(at ? at + 1 : "localhost");
    if (dm_str_ends(host, DM_STR(">")))
        host.len--;
    snprintf(boundary, sizeof(boundary), "=_%016llx", (unsigned long long)number);
    add_addresses(b, "From", (const char *const[]){m->from, NULL});
    add_addresses(b, "To", m->to);
    add_addresses(b, "Cc", m->cc);
    DM_TRY(add_header(b, "Subject", m->subject, reterr));
    add_date(b, now);
    dm_strbuf_addf(b, "Message-ID: <%016llx.%lld@%.*s>\r\nMIME-Version: 1.0\r\n",
                   (unsigned long long)number, (long long)now, DM_FMT(host));
    DM_TRY(add_own_headers(b, m->headers, reterr));
    if (m->n_files == 0) {
        add_html(b, m->html);
        return dm_strbuf_check(b, "the mail (DM_MAIL_MAX)", reterr);
    }
    dm_strbuf_addf(b, "Content-Type: multipart/%s; boundary=\"%s\"\r\n\r\n--%s\r\n", m->subtype,
                   boundary, boundary);
    add_html(b, m->html);
    for (size_t i = 0; i < m->n_files; i++) {
        dm_strbuf_addf(b, "--%s\r\n", boundary);
        add_file(b, &m->files[i]);
    }
    dm_strbuf_addf(b, "--%s--\r\n", boundary);
    return dm_strbuf_check(b, "the mail (DM_MAIL_MAX)", reterr);
}

/* ---- addresses ---- */

const char *dm_mail_mailbox(struct dm_arena *a, const char *address)
{
    const char *open = strrchr(address, '<'), *close = open ? strchr(open, '>') : NULL;
    return close ? dm_arena_strndup(a, open + 1, (size_t)(close - open - 1)) : address;
}

static int add_one(struct dm_arena *a, struct dm_str s, struct dm_value *list,
                   struct dm_err *reterr)
{
    s = dm_str_trim(s);
    if (!s.len)
        return 0;
    const char *mailbox = dm_mail_mailbox(a, dm_str_cstr(a, s)), *at = strchr(mailbox, '@');
    if (!at || at == mailbox || !at[1] || strpbrk(mailbox, " \t\r\n<>") ||
        memchr(s.p, '\n', s.len) || memchr(s.p, '\r', s.len))
        return dm_err_set(reterr, DM_E_INVALID, "\"%.*s\" is no mail address", DM_FMT(s));
    if (list->list.n == DM_MAIL_ADDRESSES_MAX)
        return dm_err_set(reterr, DM_E_LIMIT,
                          "the mail has more than %d addresses (DM_MAIL_ADDRESSES_MAX)",
                          DM_MAIL_ADDRESSES_MAX);
    dm_list_add(a, list, dm_value_str(a, s));
    return 0;
}

/* A comma within quotes belongs to the name. */
static int split(struct dm_arena *a, struct dm_str s, struct dm_value *list, struct dm_err *reterr)
{
    size_t from = 0;
    bool quoted = false;
    for (size_t i = 0; i <= s.len; i++) {
        if (i < s.len && s.p[i] == '"')
            quoted = !quoted;
        if (i < s.len && (quoted || (s.p[i] != ',' && s.p[i] != ';')))
            continue;
        DM_TRY(add_one(a, dm_str_sub(s, from, i), list, reterr));
        from = i + 1;
    }
    return 0;
}

int dm_mail_addresses(struct dm_arena *a, const struct dm_value *v, const char *const **ret,
                      struct dm_err *reterr)
{
    struct dm_value *list = dm_value_list(a, 0);
    if (v && v->kind == DM_STRING)
        DM_TRY(split(a, v->s, list, reterr));
    for (size_t i = 0; v && (v->kind == DM_LIST || v->kind == DM_TUPLE) && i < v->list.n; i++) {
        if (v->list.items[i]->kind != DM_STRING)
            return dm_err_set(reterr, DM_E_INVALID, "a mail address must be a text, not a %s",
                              dm_kind_name(v->list.items[i]->kind));
        DM_TRY(split(a, v->list.items[i]->s, list, reterr));
    }
    const char **out = dm_arena_array(a, const char *, list->list.n + 1);
    for (size_t i = 0; i < list->list.n; i++)
        out[i] = dm_str_cstr(a, list->list.items[i]->s);
    *ret = out;
    return 0;
}
