/* `email`: sends a mail. */
#include "base/clock.h"
#include "conn/mail.h"
#include "conn/smtp.h"
#include "op/op.h"
#include "op/truth.h"

#define TIMEOUT_US (30 * DM_SEC)

static const char *const aliases[] = {"EmailOperator", "airflow.operators.email.EmailOperator",
                                      "airflow.operators.email_operator.EmailOperator",
                                      "airflow.providers.smtp.operators.smtp.EmailOperator", NULL};
static const char *const exts[] = {".html", NULL};

static const struct dm_op_field fields[] = {
    {"to", DM_FIELD_STRING_OR_LIST, true, true, NULL,
     "Addresses: a text with commas, or a list of texts.", NULL},
    {"subject", DM_FIELD_STRING, true, true, NULL, "The subject.", NULL},
    {"html_content", DM_FIELD_STRING, true, true, NULL,
     "The text as HTML, or the name of a .html file.", NULL},
    {"files", DM_FIELD_LIST, false, true, NULL, "Files to attach, relative to the project.", NULL},
    {"cc", DM_FIELD_STRING_OR_LIST, false, true, NULL, "Further addresses.", NULL},
    {"bcc", DM_FIELD_STRING_OR_LIST, false, true, NULL, "Addresses that the others do not see.",
     NULL},
    {"from_email", DM_FIELD_STRING, false, true, NULL,
     "The sender; else the connection's extra from_email, else its login.", NULL},
    {"conn_id", DM_FIELD_STRING, false, true, "\"smtp_default\"",
     "Connection to the mail server; its extra may have disable_ssl, disable_tls, timeout and "
     "from_email.",
     "smtp_conn_id"},
    {"mime_subtype", DM_FIELD_STRING, false, false, "\"mixed\"",
     "How text and files belong together: mixed or related.", NULL},
    {"mime_charset", DM_FIELD_STRING, false, false, "\"utf-8\"", "Always UTF-8 here.", NULL},
    {"custom_headers", DM_FIELD_MAP, false, true, NULL, "Further headers.", NULL},
    {NULL},
};

static int check(const struct dm_value *args, struct dm_err *reterr)
{
    struct dm_str subtype = dm_map_str(args, "mime_subtype", "mixed");
    struct dm_str charset = dm_map_str(args, "mime_charset", "utf-8");
    if (!dm_str_is(subtype, "mixed") && !dm_str_is(subtype, "related"))
        return dm_err_set(reterr, DM_E_INVALID, "mime_subtype must be mixed or related");
    if (!dm_str_ieq(charset, DM_STR("utf-8")) && !dm_str_ieq(charset, DM_STR("us-ascii")))
        return dm_err_set(reterr, DM_E_INVALID, "mime_charset must be utf-8");
    return 0;
}

/* ---- the server ---- */

static bool extra_bool(const struct dm_connection *c, const char *key)
{
    const struct dm_value *v = dm_map_at(c->extra, key);
    return v && (v->kind == DM_STRING ? dm_word_truth(v->s) == 1 : dm_is_true(v));
}

static int64_t extra_timeout(const struct dm_connection *c)
{
    const struct dm_value *v = dm_map_at(c->extra, "timeout");
    int64_t seconds = 0;
    if (v && v->kind == DM_INT)
        seconds = v->i;
    else if (v && v->kind == DM_STRING)
        dm_str_to_i64(v->s, &seconds);
    return seconds > 0 && seconds < 1000000 ? seconds * DM_SEC : TIMEOUT_US;
}

static int find_server(struct dm_attempt *at, struct dm_smtp *ret, const char **ret_from,
                       struct dm_err *reterr)
{
    struct dm_connection c;
    struct dm_str given = dm_map_str(at->args, "from_email", "");
    DM_TRY(dm_attempt_conn(at, dm_map_str(at->args, "conn_id", "smtp_default"), &c, reterr));
    if (strcmp(c.conn_type, "smtp") != 0 && strcmp(c.conn_type, "email") != 0)
        return dm_conn_wrong_type(&c, "smtp", reterr);
    const char *from =
        given.len ? dm_str_cstr(at->arena, given) : dm_conn_extra(at->arena, &c, "from_email");
    from = from ? from : c.login;
    if (!c.host || !from || !strchr(from, '@') || strpbrk(from, "\r\n")) {
        dm_err_set(reterr, DM_E_INVALID, "connection \"%s\" has no %s", c.conn_id,
                   c.host ? "sender" : "host");
        return dm_err_hint(reterr, "%s",
                           c.host ? "Give it an extra from_email, or the task from_email: a@b."
                                  : "Write smtp://LOGIN:PASSWORD@HOST:PORT.");
    }
    *ret = (struct dm_smtp){.host = c.host,
                            .port = c.port,
                            .login = c.login,
                            .password = c.password,
                            .timeout_us = extra_timeout(&c),
                            .security = !extra_bool(&c, "disable_ssl")   ? DM_SMTP_TLS
                                        : !extra_bool(&c, "disable_tls") ? DM_SMTP_STARTTLS
                                                                         : DM_SMTP_PLAIN};
    *ret_from = from;
    return 0;
}

/* ---- the message ---- */

static int read_files(struct dm_attempt *at, struct dm_mail *m, struct dm_err *reterr)
{
    const struct dm_value *list = dm_map_at(at->args, "files");
    size_t n = list && (list->kind == DM_LIST || list->kind == DM_TUPLE) ? list->list.n : 0;
    struct dm_mail_file *files = dm_arena_array(at->arena, struct dm_mail_file, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct dm_value *v = list->list.items[i];
        if (v->kind != DM_STRING)
            return dm_err_set(reterr, DM_E_INVALID, "a file must be a path, not a %s",
                              dm_kind_name(v->kind));
        const char *path = dm_path_join(at->arena, at->project->dir, dm_str_cstr(at->arena, v->s));
        files[i].name = dm_path_base(path);
        DM_TRY(dm_file_read(at->arena, path, DM_MAIL_MAX, &files[i].bytes, reterr));
    }
    m->files = files;
    m->n_files = n;
    return 0;
}

/* The mailboxes of all that get it. */
static const char *const *recipients(struct dm_arena *a, const char *const *const *lists, size_t n)
{
    size_t count = 0, k = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; lists[i][j]; j++)
            count++;
    const char **all = dm_arena_array(a, const char *, count + 1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; lists[i][j]; j++)
            all[k++] = dm_mail_mailbox(a, lists[i][j]);
    return all;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    const char *const *lists[3]; /* to, cc, bcc */
    const struct dm_value *headers = dm_map_at(at->args, "custom_headers");
    _cleanup_strbuf_ struct dm_strbuf message;
    struct dm_smtp server;
    struct dm_mail m = {.subject = dm_map_str(at->args, "subject", ""),
                        .html = dm_map_str(at->args, "html_content", ""),
                        .subtype =
                            dm_str_cstr(at->arena, dm_map_str(at->args, "mime_subtype", "mixed")),
                        .headers = headers && headers->kind == DM_MAP ? headers : NULL};
    *ret = NULL;
    dm_strbuf_init(&message, DM_MAIL_MAX);
    DM_TRY(find_server(at, &server, &m.from, reterr));
    DM_TRY(dm_mail_addresses(at->arena, dm_map_at(at->args, "to"), &lists[0], reterr));
    DM_TRY(dm_mail_addresses(at->arena, dm_map_at(at->args, "cc"), &lists[1], reterr));
    DM_TRY(dm_mail_addresses(at->arena, dm_map_at(at->args, "bcc"), &lists[2], reterr));
    const char *const *all = recipients(at->arena, lists, 3);
    if (!*all)
        return dm_err_set(reterr, DM_E_INVALID, "the mail goes to nobody");
    m.to = lists[0];
    m.cc = lists[1];
    DM_TRY(read_files(at, &m, reterr));
    DM_TRY(dm_mail_write(&message, &m, dm_clock_now(), (uint64_t)at->order->attempt, reterr));
    DM_TRY(dm_smtp_send(&server, dm_mail_mailbox(at->arena, m.from), all, dm_strbuf_str(&message),
                        reterr));
    printf("sent \"%.*s\" to %s%s, %zu bytes\n", DM_FMT(m.subject), *all,
           all[1] ? " and others" : "", message.len);
    return 0;
}

const struct dm_op dm_op_email = {
    .spec = {.name = "email",
             .aliases = aliases,
             .doc = "Sends a mail.",
             .fields = fields,
             .template_ext = exts,
             .check = check},
    .execute = execute,
};
