/* JSON in templates, as Python's json.dumps writes it. */
#include "lang/object.h"

#include <math.h>

#include "lang/big.h"
#include "lang/utf8.h"

struct writer {
    struct dm_eval *e;
    const struct dm_json_style *style;
    struct dm_strbuf *b;
    struct dm_str item_sep, key_sep;
};

static int write_json(struct writer *w, const struct dm_value *v, int level);

static void write_text(struct writer *w, struct dm_str s)
{
    dm_strbuf_addc(w->b, '"');
    for (const char *p = s.p, *end = p + s.len; p < end;) {
        static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";
        uint32_t cp;
        size_t n = dm_utf8_get(p, end, &cp);
        const char *simple = cp && cp < 0x80 ? strchr(from, (int)cp) : NULL;
        if (simple)
            dm_strbuf_addf(w->b, "\\%c", to[simple - from]);
        else if (cp < 0x20 || (w->style->html && cp < 0x80 && strchr("<>&'", (int)cp)))
            dm_strbuf_addf(w->b, "\\u%04x", cp);
        else if (cp < 0x7F + 1u || !w->style->ascii)
            dm_strbuf_add(w->b, p, n);
        else if (cp < 0x10000)
            dm_strbuf_addf(w->b, "\\u%04x", cp);
        else
            dm_strbuf_addf(w->b, "\\u%04x\\u%04x", 0xD800 + ((cp - 0x10000) >> 10),
                           0xDC00 + ((cp - 0x10000) & 0x3FF));
        p += n;
    }
    dm_strbuf_addc(w->b, '"');
}

static void write_break(struct writer *w, int level)
{
    if (w->style->indent < 0)
        return;
    dm_strbuf_addc(w->b, '\n');
    for (int i = 0; w->style->margin.p && i < level; i++)
        dm_strbuf_addstr(w->b, w->style->margin);
    for (int i = 0; !w->style->margin.p && i < level * w->style->indent; i++)
        dm_strbuf_addc(w->b, ' ');
}

static int write_list(struct writer *w, const struct dm_value *v, int level)
{
    dm_strbuf_addc(w->b, '[');
    for (size_t i = 0; i < v->list.n; i++) {
        if (i)
            dm_strbuf_addstr(w->b, w->item_sep);
        write_break(w, level + 1);
        DM_TRY(write_json(w, v->list.items[i], level + 1));
    }
    if (v->list.n)
        write_break(w, level);
    dm_strbuf_addc(w->b, ']');
    return 0;
}

static int write_key(struct writer *w, const struct dm_value *key)
{
    if (key->kind == DM_STRING) {
        write_text(w, key->s);
        return 0;
    }
    if (key->kind != DM_NULL && !dm_is_number(key))
        return dm_eval_fail(w->e, DM_TE_TYPE, "keys must be str, int, float, bool or None, not %s",
                            dm_type_name(key));
    dm_strbuf_addc(w->b, '"');
    DM_TRY(write_json(w, key, 0));
    dm_strbuf_addc(w->b, '"');
    return 0;
}

static int write_map(struct writer *w, const struct dm_value *v, int level)
{
    struct dm_sort_item *order = dm_arena_array(w->e->a, struct dm_sort_item, v->map.n + 1);
    for (size_t i = 0; i < v->map.n; i++)
        order[i] = (struct dm_sort_item){v->map.pairs[i].key, v->map.pairs[i].value};
    if (w->style->sorted)
        DM_TRY(dm_sort(w->e, order, v->map.n, false));
    dm_strbuf_addc(w->b, '{');
    for (size_t i = 0; i < v->map.n; i++) {
        if (i)
            dm_strbuf_addstr(w->b, w->item_sep);
        write_break(w, level + 1);
        DM_TRY(write_key(w, order[i].key));
        dm_strbuf_addstr(w->b, w->key_sep);
        DM_TRY(write_json(w, order[i].value, level + 1));
    }
    if (v->map.n)
        write_break(w, level);
    dm_strbuf_addc(w->b, '}');
    return 0;
}

static int write_value(struct writer *w, const struct dm_value *v, int level)
{
    if (dm_is_undefined(v))
        return dm_eval_fail(w->e, DM_TE_TYPE,
                            "Object of type Undefined is not JSON serializable: %.*s",
                            DM_FMT(dm_is_undefined(v)->message));
    v = dm_as_tuple(v);
    switch (v->kind) {
    case DM_NULL:
        dm_strbuf_adds(w->b, "null");
        return 0;
    case DM_BOOL:
        dm_strbuf_adds(w->b, v->b ? "true" : "false");
        return 0;
    case DM_FLOAT:
        if (!isfinite(v->f)) {
            dm_strbuf_adds(w->b, isnan(v->f) ? "NaN" : v->f < 0 ? "-Infinity" : "Infinity");
            return 0;
        }
        return dm_text(w->e, v, w->b);
    case DM_INT:
    case DM_BIG:
        return dm_text(w->e, v, w->b);
    case DM_STRING:
        write_text(w, v->s);
        return 0;
    case DM_LIST:
    case DM_TUPLE:
        return write_list(w, v, level);
    case DM_MAP:
        return write_map(w, v, level);
    default:
        return dm_eval_fail(w->e, DM_TE_TYPE, "Object of type %s is not JSON serializable",
                            dm_type_name(v));
    }
}

static int write_json(struct writer *w, const struct dm_value *v, int level)
{
    int rc = dm_eval_enter(w->e);
    if (rc == 0)
        rc = write_value(w, v, level);
    dm_eval_leave(w->e);
    return rc;
}

int dm_json_indent(struct dm_eval *e, const struct dm_call *c, size_t i,
                   struct dm_json_style *style)
{
    const struct dm_value *v = c->arg[i];
    int64_t indent;
    style->indent = -1;
    if (!v || v->kind == DM_NULL)
        return 0;
    if (v->kind == DM_STRING) {
        style->indent = 0;
        style->margin = v->s.p ? v->s : DM_STR("");
        return 0;
    }
    DM_TRY(dm_param_int(e, c, i, 0, &indent));
    style->indent = indent < 0 ? 0 : indent > 100 ? 100 : (int)indent;
    return 0;
}

int dm_json_text(struct dm_eval *e, const struct dm_value *v, const struct dm_json_style *style,
                 struct dm_strbuf *b)
{
    struct writer w = {.e = e, .style = style, .b = b};
    w.item_sep = style->item_sep.p ? style->item_sep : dm_str_c(style->indent >= 0 ? "," : ", ");
    w.key_sep = style->key_sep.p ? style->key_sep : DM_STR(": ");
    return write_json(&w, v, 0);
}
