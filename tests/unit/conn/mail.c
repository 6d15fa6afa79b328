/* Mails as bytes: what a client must be able to read back, and what must not get in. */
#include "conn/mail.h"

#include "base/time.h"
#include "t.h"

static struct dm_value *text(struct dm_arena *a, const char *s)
{
    return dm_value_cstr(a, s);
}

static const char *written(struct dm_arena *a, const struct dm_mail *m)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    struct dm_err err;
    dm_strbuf_init(&b, DM_MAIL_MAX);
    if (dm_mail_write(&b, m, 1704067200 * DM_SEC, 7, &err) < 0)
        return dm_arena_strdup(a, err.message);
    return dm_str_cstr(a, dm_strbuf_str(&b));
}

static void headers_are_encoded_and_folded(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *const to[] = {"a@b.c", "D \xc3\xbc <d@e.f>", NULL};
    struct dm_mail m = {.from = "x@y.z", .to = to, .subtype = "mixed", .html = DM_STR("<b>")};
    m.subject = DM_STR("plain");
    const char *got = written(&a, &m);
    T_HAS(got, "From: x@y.z\r\nTo: a@b.c,\r\n =?utf-8?B?RCDDvA==?= <d@e.f>\r\nSubject: plain\r\n"
               "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\n");
    T_HAS(got, "@y.z>\r\n");
    T_HAS(got, "base64\r\n\r\nPGI+\r\n");
    m.subject = dm_str_c("\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
                         "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
                         "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc");
    T_HAS(written(&a, &m), "?=\r\n =?utf-8?B?w7w=?=\r\n");
}

static void a_line_break_never_makes_a_header(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *const to[] = {"a@b.c", NULL}, *const * list;
    struct dm_value *headers = dm_value_map(&a);
    struct dm_err err;
    struct dm_mail m = {.from = "x@y.z", .to = to, .subtype = "mixed"};
    m.subject = DM_STR("one\r\nBcc: all@b.c");
    T_STR(written(&a, &m), "the header Subject of the mail has a line break");
    m.subject = DM_STR("one");
    dm_map_set(&a, headers, "X-A", text(&a, "1\nX-B: 2"));
    m.headers = headers;
    T_STR(written(&a, &m), "the header X-A of the mail has a line break");
    T_INT(dm_mail_addresses(&a, text(&a, "A\r\nBcc: b <a@b.c>"), &list, &err), DM_E_INVALID);
}

static void addresses_are_split_as_airflow_does(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_value *v = dm_value_list(&a, 0);
    const char *const *list;
    struct dm_err err;
    T_TRY(dm_mail_addresses(&a, text(&a, "a@b.c; \"X, Y\" <x@y.z>,, d@e.f "), &list, &err), err);
    T_STR(list[0], "a@b.c");
    T_STR(list[1], "\"X, Y\" <x@y.z>");
    T_STR(dm_mail_mailbox(&a, list[1]), "x@y.z");
    T_STR(list[2], "d@e.f");
    T_OK(list[3] == NULL);
    dm_list_add(&a, v, text(&a, "a@b.c,d@e.f"));
    T_TRY(dm_mail_addresses(&a, v, &list, &err), err);
    T_STR(list[1], "d@e.f");
    T_INT(dm_mail_addresses(&a, text(&a, "nobody"), &list, &err), DM_E_INVALID);
    T_INT(dm_mail_addresses(&a, text(&a, "two words@b.c"), &list, &err), DM_E_INVALID);
    T_TRY(dm_mail_addresses(&a, NULL, &list, &err), err);
    T_OK(list[0] == NULL);
}

T_MAIN(T_CASE(headers_are_encoded_and_folded), T_CASE(a_line_break_never_makes_a_header),
       T_CASE(addresses_are_split_as_airflow_does))
