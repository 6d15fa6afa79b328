/* The table of filters. */
#include "lang/template_filters.h"

static const struct dm_callable filters[] = {
#define DM_FILTER(word, fn, spec, doc) {word, spec, dm_filter_##fn, doc},
#include "lang/filters.def"
#undef DM_FILTER
    {NULL},
};

static const char *const filter_names[] = {
#define DM_FILTER(word, fn, spec, doc) word,
#include "lang/filters.def"
#undef DM_FILTER
    NULL,
};

const struct dm_callable *dm_filter_find(struct dm_str name)
{
    return dm_callable_find(filters, name);
}

const char *dm_filter_nearest(struct dm_str name)
{
    return dm_str_nearest(name, filter_names);
}

int dm_filter_subject(struct dm_eval *e, const struct dm_call *c, struct dm_str *ret)
{
    return dm_text_of(e, c->self, ret);
}

int dm_filter_by_method(struct dm_eval *e, const char *method, struct dm_str s,
                        const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value self = {.kind = DM_STRING, .s = s};
    struct dm_call call = *c;
    call.self = &self;
    return dm_callable_find(dm_str_methods, dm_str_c(method))->fn(e, &call, ret);
}

int dm_filter_default(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    bool boolean;
    DM_TRY(dm_param_bool(e, c, 1, false, &boolean));
    bool missing = dm_is_undefined(c->self);
    if (!missing && boolean) {
        int truth = dm_truth(e, c->self);
        if (truth < 0)
            return truth;
        missing = !truth;
    }
    *ret = !missing ? c->self : c->arg[0] ? c->arg[0] : dm_str_value(e, DM_STR(""));
    return 0;
}

int dm_filter_string(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    if (c->self->kind == DM_STRING) {
        *ret = c->self;
        return 0;
    }
    DM_TRY(dm_text_of(e, c->self, &s));
    *ret = dm_str_value(e, s);
    return 0;
}

int dm_filter_attr(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str name;
    DM_TRY(dm_eval_defined(e, c->self));
    DM_TRY(dm_param_str(e, c, 0, "", &name));
    int rc = name.len && name.p[0] == '_' ? 0 : dm_attribute(e, c->self, name, ret);
    if (rc == 0 && name.len && name.p[0] == '_')
        return dm_getattr(e, c->self, name, ret);
    if (rc == 0)
        *ret = dm_undefined(e, DM_TE_UNDEFINED, "'%s object' has no attribute '%.*s'",
                            dm_type_name(c->self), DM_FMT(name));
    return rc < 0 ? rc : 0;
}

int dm_filter_random(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return dm_eval_fail(e, DM_TE_SECURITY,
                        "the filter \"random\" is refused: a rerun would render another text");
}

int dm_filter_safe(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    DM_TRY(dm_filter_subject(e, c, &s));
    *ret = dm_safe(e, dm_str_value(e, s));
    return 0;
}

int dm_filter_forceescape(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    DM_TRY(dm_filter_subject(e, c, &s));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_escape_html(&b, s);
    DM_TRY(dm_new_text(e, &b, ret));
    *ret = dm_safe(e, *ret);
    return 0;
}

int dm_filter_escape(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    if (c->self->kind == DM_STRING && c->self->safe) {
        *ret = c->self;
        return 0;
    }
    return dm_filter_forceescape(e, c, ret);
}

int dm_filter_tojson(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_json_style style = {.sorted = true, .ascii = true, .html = true};
    DM_TRY(dm_json_indent(e, c, 0, &style));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    DM_TRY(dm_json_text(e, c->self, &style, &b));
    DM_TRY(dm_new_text(e, &b, ret));
    *ret = dm_safe(e, *ret);
    return 0;
}

static int date_filter(struct dm_eval *e, const struct dm_call *c, const char *format,
                       const struct dm_value **ret)
{
    const struct dm_value *v = c->self;
    DM_TRY(dm_eval_defined(e, v));
    if (v->kind == DM_NULL) {
        *ret = v;
        return 0;
    }
    if (v->kind != DM_DATETIME && v->kind != DM_DATE)
        return dm_eval_fail(e, v->kind == DM_STRING ? DM_TE_ATTRIBUTE : DM_TE_ATTRIBUTE,
                            "'%s' object has no attribute 'strftime'", dm_type_name(v));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_strftime(e, v, dm_str_c(format), &b));
    return dm_new_text(e, &b, ret);
}

int dm_filter_ds(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return date_filter(e, c, "%Y-%m-%d", ret);
}

int dm_filter_ds_nodash(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return date_filter(e, c, "%Y%m%d", ret);
}

int dm_filter_ts_nodash(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return date_filter(e, c, "%Y%m%dT%H%M%S", ret);
}

static int iso(struct dm_eval *e, const struct dm_call *c, struct dm_str *ret)
{
    const struct dm_value *method, *text;
    const struct dm_args none = {0};
    if (c->self->kind != DM_DATETIME && c->self->kind != DM_DATE)
        return dm_eval_fail(e, DM_TE_ATTRIBUTE, "'%s' object has no attribute 'isoformat'",
                            dm_type_name(c->self));
    DM_TRY(dm_getattr(e, c->self, DM_STR("isoformat"), &method));
    DM_TRY(dm_call(e, method, &none, &text));
    *ret = text->s;
    return 0;
}

int dm_filter_ts(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    DM_TRY(dm_eval_defined(e, c->self));
    *ret = c->self;
    if (c->self->kind == DM_NULL)
        return 0;
    DM_TRY(iso(e, c, &s));
    *ret = dm_str_value(e, s);
    return 0;
}

int dm_filter_ts_nodash_with_tz(struct dm_eval *e, const struct dm_call *c,
                                const struct dm_value **ret)
{
    struct dm_str s;
    DM_TRY(dm_eval_defined(e, c->self));
    *ret = c->self;
    if (c->self->kind == DM_NULL)
        return 0;
    DM_TRY(iso(e, c, &s));
    char *out = dm_arena_alloc(e->a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] != '-' && s.p[i] != ':')
            out[n++] = s.p[i];
    *ret = dm_str_value(e, dm_str_n(out, n));
    return 0;
}
