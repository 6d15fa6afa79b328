/* Values of templates with Python's meaning: text, truth, items, and the common objects. */
#include "lang/object.h"

#include <math.h>

#include "lang/big.h"
#include "lang/utf8.h"

/* Python refuses longer ones too. */
enum { INT_DIGITS_MAX = 4300 };

const struct dm_value *dm_object_value(struct dm_eval *e, const struct dm_class *cls, void *data)
{
    struct dm_object *o = dm_arena_new(e->a, struct dm_object);
    *o = (struct dm_object){cls, data};
    struct dm_value *v = dm_arena_new(e->a, struct dm_value);
    v->kind = DM_OBJECT;
    v->object = o;
    return v;
}

void *dm_object_data(const struct dm_value *v, const struct dm_class *cls)
{
    return v->kind == DM_OBJECT && v->object->cls == cls ? v->object->data : NULL;
}

const struct dm_value *dm_undefined(struct dm_eval *e, enum dm_template_error why, const char *fmt,
                                    ...)
{
    char message[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    struct dm_undefined *u = dm_arena_new(e->a, struct dm_undefined);
    u->message = dm_str_dup(e->a, dm_str_c(message));
    u->why = why;
    return dm_object_value(e, &dm_class_undefined, u);
}

const struct dm_undefined *dm_is_undefined(const struct dm_value *v)
{
    return dm_object_data(v, &dm_class_undefined);
}

int dm_eval_undefined(struct dm_eval *e, const struct dm_undefined *u)
{
    return dm_eval_fail(e, u->why, "%.*s", DM_FMT(u->message));
}

int dm_eval_defined(struct dm_eval *e, const struct dm_value *v)
{
    const struct dm_undefined *u = dm_is_undefined(v);
    return u ? dm_eval_undefined(e, u) : 0;
}

static int undefined_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                          struct dm_strbuf *b)
{
    const struct dm_undefined *u = self->object->data;
    if (repr)
        dm_strbuf_adds(b, "Undefined");
    else if (!u->lenient)
        return dm_eval_undefined(e, u);
    return 0;
}

static int undefined_iter(struct dm_eval *e, const struct dm_value *self,
                          const struct dm_value **ret)
{
    const struct dm_undefined *u = self->object->data;
    if (!u->lenient)
        return dm_eval_undefined(e, u);
    *ret = dm_value_list(e->a, 0);
    return 0;
}

static int undefined_length(struct dm_eval *e, const struct dm_value *self, int64_t *ret)
{
    const struct dm_undefined *u = self->object->data;
    if (!u->lenient)
        return dm_eval_undefined(e, u);
    *ret = 0;
    return 0;
}

static int undefined_truth(struct dm_eval *e, const struct dm_value *self)
{
    const struct dm_undefined *u = self->object->data;
    return u->lenient ? 0 : dm_eval_undefined(e, u);
}

static int undefined_call(struct dm_eval *e, const struct dm_value *self,
                          const struct dm_args *args, const struct dm_value **ret)
{
    return dm_eval_undefined(e, self->object->data);
}

const struct dm_class dm_class_undefined = {
    .type = "Undefined",
    .text = undefined_text,
    .iter = undefined_iter,
    .length = undefined_length,
    .truth = undefined_truth,
    .call = undefined_call,
};

struct generator {
    const struct dm_value *list;
    size_t at;                    /* the next item to give */
    const struct dm_err *failure; /* comes behind the last item; NULL = the list is all there is */
    int rc;                       /* of the failure */
};

static int generator_end(struct dm_eval *e, const struct generator *g)
{
    if (!g->failure)
        return 0;
    *e->err = *g->failure;
    e->placed = g->failure->line > 0;
    return g->rc;
}

static int generator_iter(struct dm_eval *e, const struct dm_value *self,
                          const struct dm_value **ret)
{
    struct generator *g = self->object->data;
    DM_TRY(generator_end(e, g));
    struct dm_value *rest = dm_value_list(e->a, 0);
    for (; g->at < g->list->list.n; g->at++)
        dm_list_add(e->a, rest, g->list->list.items[g->at]);
    *ret = rest;
    return 0;
}

static int generator_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                          struct dm_strbuf *b)
{
    dm_strbuf_adds(b, "<generator object>");
    return 0;
}

const struct dm_class dm_class_generator = {
    .type = "generator", .text = generator_text, .iter = generator_iter};

const struct dm_value *dm_generator(struct dm_eval *e, const struct dm_value *list)
{
    struct generator *g = dm_arena_new(e->a, struct generator);
    g->list = list;
    return dm_object_value(e, &dm_class_generator, g);
}

const struct dm_value *dm_generator_after(struct dm_eval *e, int rc, const struct dm_value *list)
{
    const struct dm_value *v = dm_generator(e, list);
    struct generator *g = v->object->data;
    g->rc = rc;
    if (rc < 0) {
        g->failure = dm_arena_dup(e->a, e->err, sizeof(*e->err));
        *e->err = (struct dm_err){0};
    }
    return v;
}

int dm_generator_next(struct dm_eval *e, const struct dm_value *v, const struct dm_value **ret)
{
    struct generator *g = v->object->data;
    if (g->at == g->list->list.n)
        return generator_end(e, g);
    *ret = g->list->list.items[g->at++];
    return 1;
}

struct bound {
    const struct dm_callable *f;
    const struct dm_value *self;
};

static int bound_call(struct dm_eval *e, const struct dm_value *self, const struct dm_args *args,
                      const struct dm_value **ret)
{
    const struct bound *b = self->object->data;
    return dm_callable_run(e, b->f, b->self, args, ret);
}

static int bound_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                      struct dm_strbuf *b)
{
    const struct bound *bound = self->object->data;
    dm_strbuf_addf(b, "<function %s>", bound->f->name);
    return 0;
}

const struct dm_class dm_class_bound = {
    .type = "builtin_function_or_method", .call = bound_call, .text = bound_text};

const struct dm_value *dm_bound(struct dm_eval *e, const struct dm_callable *f,
                                const struct dm_value *self)
{
    struct bound *b = dm_arena_new(e->a, struct bound);
    *b = (struct bound){f, self};
    return dm_object_value(e, &dm_class_bound, b);
}

const char *dm_type_name(const struct dm_value *v)
{
    static const char *const names[] = {
        [DM_NULL] = "NoneType", [DM_BOOL] = "bool",       [DM_INT] = "int",
        [DM_FLOAT] = "float",   [DM_STRING] = "str",      [DM_LIST] = "list",
        [DM_TUPLE] = "tuple",   [DM_MAP] = "dict",        [DM_DATETIME] = "DateTime",
        [DM_DATE] = "Date",     [DM_DELTA] = "timedelta", [DM_BIG] = "int",
    };
    if (v->kind == DM_OBJECT)
        return v->object->cls->type;
    if (v->kind == DM_DATETIME && v->time.plain)
        return "datetime.datetime";
    return v->kind == DM_STRING && v->safe ? "Markup" : names[v->kind];
}

/* Python's choice of quotes and escapes. */
static void repr_text(struct dm_str s, struct dm_strbuf *b)
{
    char quote = memchr(s.p, '\'', s.len) && !memchr(s.p, '"', s.len) ? '"' : '\'';
    dm_strbuf_addc(b, quote);
    for (const char *p = s.p, *end = s.p + s.len; p < end;) {
        uint32_t cp;
        size_t n = dm_utf8_get(p, end, &cp);
        if (cp == (uint32_t)quote || cp == '\\')
            dm_strbuf_addf(b, "\\%c", (int)cp);
        else if (cp == '\n' || cp == '\r' || cp == '\t')
            dm_strbuf_adds(b, cp == '\n' ? "\\n" : cp == '\r' ? "\\r" : "\\t");
        else if (dm_utf8_is_printable(cp))
            dm_strbuf_add(b, p, n);
        else
            dm_strbuf_addf(b, cp < 0x100 ? "\\x%02x" : cp < 0x10000 ? "\\u%04x" : "\\U%08x", cp);
        p += n;
    }
    dm_strbuf_addc(b, quote);
}

static int repr_items(struct dm_eval *e, const struct dm_value *v, struct dm_strbuf *b)
{
    bool tuple = v->kind == DM_TUPLE;
    dm_strbuf_addc(b, tuple ? '(' : '[');
    for (size_t i = 0; i < v->list.n; i++) {
        if (i)
            dm_strbuf_adds(b, ", ");
        DM_TRY(dm_repr(e, v->list.items[i], b));
    }
    if (tuple && v->list.n == 1)
        dm_strbuf_addc(b, ',');
    dm_strbuf_addc(b, tuple ? ')' : ']');
    return 0;
}

static int repr_map(struct dm_eval *e, const struct dm_value *v, struct dm_strbuf *b)
{
    dm_strbuf_addc(b, '{');
    for (size_t i = 0; i < v->map.n; i++) {
        if (i)
            dm_strbuf_adds(b, ", ");
        DM_TRY(dm_repr(e, v->map.pairs[i].key, b));
        dm_strbuf_adds(b, ": ");
        DM_TRY(dm_repr(e, v->map.pairs[i].value, b));
    }
    dm_strbuf_addc(b, '}');
    return 0;
}

static int big_text(struct dm_eval *e, const struct dm_value *v, struct dm_strbuf *b)
{
    size_t before = b->len;
    dm_big_text(b, v->big);
    if (b->len - before > (size_t)INT_DIGITS_MAX + v->big->negative)
        return dm_eval_fail(e, DM_TE_VALUE, "an integer of more than %d digits cannot be printed",
                            INT_DIGITS_MAX);
    return 0;
}

static int write_plain(struct dm_eval *e, const struct dm_value *v, bool repr, struct dm_strbuf *b)
{
    char number[DM_FLOAT_MAX];
    switch (v->kind) {
    case DM_NULL:
        dm_strbuf_adds(b, "None");
        return 0;
    case DM_BOOL:
        dm_strbuf_adds(b, v->b ? "True" : "False");
        return 0;
    case DM_INT:
        dm_strbuf_addf(b, "%lld", (long long)v->i);
        return 0;
    case DM_BIG:
        return big_text(e, v, b);
    case DM_FLOAT:
        dm_strbuf_adds(b, dm_float_repr(v->f, number));
        return 0;
    case DM_STRING:
        if (!repr) {
            dm_strbuf_addstr(b, v->s);
            return 0;
        }
        if (v->safe)
            dm_strbuf_adds(b, "Markup(");
        repr_text(v->s, b);
        if (v->safe)
            dm_strbuf_addc(b, ')');
        return 0;
    case DM_LIST:
    case DM_TUPLE:
        return repr_items(e, v, b);
    case DM_MAP:
        return repr_map(e, v, b);
    case DM_DATETIME:
    case DM_DATE:
        return dm_date_text(e, v, repr, b);
    case DM_DELTA:
        dm_delta_text(v->i, repr, b);
        return 0;
    case DM_OBJECT:
        if (v->object->cls->text)
            return v->object->cls->text(e, v, repr, b);
        dm_strbuf_addf(b, "<%s object>", v->object->cls->type);
        return 0;
    }
    return 0;
}

static int write_within(struct dm_eval *e, const struct dm_value *v, bool repr, struct dm_strbuf *b)
{
    int rc = dm_eval_enter(e);
    if (rc == 0)
        rc = write_plain(e, v, repr, b);
    dm_eval_leave(e);
    if (rc == 0 && b->full)
        return dm_eval_fail(e, DM_TE_LIMIT, "a text is larger than %zu bytes", b->max);
    return rc;
}

int dm_text(struct dm_eval *e, const struct dm_value *v, struct dm_strbuf *b)
{
    return write_within(e, v, false, b);
}

int dm_repr(struct dm_eval *e, const struct dm_value *v, struct dm_strbuf *b)
{
    return write_within(e, v, true, b);
}

int dm_new_text(struct dm_eval *e, struct dm_strbuf *b, const struct dm_value **ret)
{
    if (b->full)
        return dm_eval_fail(e, DM_TE_LIMIT, "a text is larger than %zu bytes", b->max);
    DM_TRY(dm_eval_charge(e, b->len));
    *ret = dm_value_str(e->a, dm_str_dup(e->a, dm_strbuf_str(b)));
    return 0;
}

int dm_text_of(struct dm_eval *e, const struct dm_value *v, struct dm_str *ret)
{
    if (v->kind == DM_STRING) {
        *ret = v->s;
        return 0;
    }
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    const struct dm_value *text;
    DM_TRY(dm_text(e, v, &b));
    DM_TRY(dm_new_text(e, &b, &text));
    *ret = text->s;
    return 0;
}

int dm_truth(struct dm_eval *e, const struct dm_value *v)
{
    switch (v->kind) {
    case DM_NULL:
        return 0;
    case DM_BOOL:
        return v->b;
    case DM_INT:
    case DM_DELTA:
        return v->i != 0;
    case DM_FLOAT:
        return v->f != 0;
    case DM_STRING:
        return v->s.len != 0;
    case DM_LIST:
    case DM_TUPLE:
        return v->list.n != 0;
    case DM_MAP:
        return v->map.n != 0;
    case DM_OBJECT:
        if (v->object->cls->truth)
            return v->object->cls->truth(e, v);
        if (v->object->cls->length) {
            int64_t n;
            DM_TRY(v->object->cls->length(e, v, &n));
            return n != 0;
        }
        return 1;
    case DM_DATETIME:
    case DM_DATE:
    case DM_BIG:
        return 1;
    }
    return 1;
}

bool dm_is_iterable(const struct dm_value *v)
{
    return v->kind == DM_STRING || v->kind == DM_LIST || v->kind == DM_TUPLE || v->kind == DM_MAP ||
           (v->kind == DM_OBJECT && v->object->cls->iter);
}

static int characters(struct dm_eval *e, struct dm_str s, struct dm_value **ret)
{
    size_t n = dm_utf8_count(s);
    if (n > DM_TEMPLATE_ITEMS)
        return dm_eval_fail(e, DM_TE_LIMIT, "a list has more than %d items", DM_TEMPLATE_ITEMS);
    DM_TRY(dm_eval_charge(e, n * sizeof(struct dm_value)));
    struct dm_value *list = dm_value_list(e->a, n);
    struct dm_value *texts = dm_arena_array(e->a, struct dm_value, n + 1);
    const char *p = s.p;
    for (size_t i = 0; i < n; i++) {
        uint32_t cp;
        size_t len = dm_utf8_get(p, s.p + s.len, &cp);
        texts[i] = (struct dm_value){.kind = DM_STRING, .s = {p, len}};
        list->list.items[i] = &texts[i];
        p += len;
    }
    *ret = list;
    return 0;
}

int dm_items(struct dm_eval *e, const struct dm_value *v, struct dm_value **ret)
{
    const struct dm_value *list = v;
    if (v->kind == DM_STRING)
        return characters(e, v->s, ret);
    if (v->kind == DM_MAP) {
        struct dm_value *keys = dm_value_list(e->a, v->map.n);
        for (size_t i = 0; i < v->map.n; i++)
            keys->list.items[i] = v->map.pairs[i].key;
        *ret = keys;
        return dm_eval_charge(e, v->map.n * sizeof(void *));
    }
    if (v->kind == DM_OBJECT && v->object->cls->iter)
        DM_TRY(v->object->cls->iter(e, v, &list));
    else if (v->kind != DM_LIST && v->kind != DM_TUPLE)
        return dm_eval_fail(e, DM_TE_TYPE, "'%s' object is not iterable", dm_type_name(v));
    DM_TRY(dm_eval_charge(e, list->list.n * sizeof(void *)));
    *ret = dm_value_copy(e->a, list);
    (*ret)->kind = DM_LIST;
    return 0;
}

int dm_length(struct dm_eval *e, const struct dm_value *v, int64_t *ret)
{
    switch (v->kind) {
    case DM_STRING:
        *ret = (int64_t)dm_utf8_count(v->s);
        return dm_eval_charge(e, v->s.len);
    case DM_LIST:
    case DM_TUPLE:
        *ret = (int64_t)v->list.n;
        return 0;
    case DM_MAP:
        *ret = (int64_t)v->map.n;
        return 0;
    case DM_OBJECT:
        if (v->object->cls->length)
            return v->object->cls->length(e, v, ret);
        break;
    default:
        break;
    }
    return dm_eval_fail(e, DM_TE_TYPE, "object of type '%s' has no len()", dm_type_name(v));
}

bool dm_is_callable(const struct dm_value *v)
{
    return v->kind == DM_OBJECT && v->object->cls->call;
}

bool dm_is_hashable(const struct dm_value *v)
{
    if (v->kind == DM_TUPLE) {
        for (size_t i = 0; i < v->list.n; i++)
            if (!dm_is_hashable(v->list.items[i]))
                return false;
        return true;
    }
    return v->kind != DM_LIST && v->kind != DM_MAP;
}

const struct dm_value *dm_str_value(struct dm_eval *e, struct dm_str s)
{
    return dm_value_str(e->a, s);
}

const struct dm_value *dm_int_value(struct dm_eval *e, int64_t i)
{
    return dm_value_int(e->a, i);
}

const struct dm_value *dm_bool_value(bool b)
{
    return b ? &dm_true : &dm_false;
}

const struct dm_value *dm_tuple(struct dm_eval *e, size_t n)
{
    struct dm_value *v = dm_value_list(e->a, n);
    v->kind = DM_TUPLE;
    return v;
}

void dm_tuple_set(const struct dm_value *tuple, size_t i, const struct dm_value *v)
{
    tuple->list.items[i] = v;
}

const struct dm_value *dm_safe(struct dm_eval *e, const struct dm_value *text)
{
    struct dm_value *v = dm_value_str(e->a, text->s);
    v->safe = true;
    return v;
}

void dm_escape_html(struct dm_strbuf *b, struct dm_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        switch (s.p[i]) {
        case '&':
            dm_strbuf_adds(b, "&amp;");
            break;
        case '<':
            dm_strbuf_adds(b, "&lt;");
            break;
        case '>':
            dm_strbuf_adds(b, "&gt;");
            break;
        case '"':
            dm_strbuf_adds(b, "&#34;");
            break;
        case '\'':
            dm_strbuf_adds(b, "&#39;");
            break;
        default:
            dm_strbuf_addc(b, s.p[i]);
        }
    }
}

const struct dm_value *dm_own_copy(struct dm_eval *e, const struct dm_value *v)
{
    if (v->kind == DM_MAP) {
        struct dm_value *map = dm_value_map(e->a);
        for (size_t i = 0; i < v->map.n; i++)
            dm_map_set_value(e->a, map, v->map.pairs[i].key, dm_own_copy(e, v->map.pairs[i].value));
        return map;
    }
    if (v->kind != DM_LIST && v->kind != DM_TUPLE)
        return v;
    struct dm_value *list = dm_value_copy(e->a, v);
    for (size_t i = 0; i < list->list.n; i++)
        list->list.items[i] = dm_own_copy(e, v->list.items[i]);
    return list;
}
