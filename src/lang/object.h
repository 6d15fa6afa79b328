/*
 * The evaluator of templates seen from within: what the files of filters, tests, methods and objects share.
 *
 * Values have Python's meaning.  Everything made during a render lives in the render's own arena.  Functions return
 * 0 or an error; those that answer a question return 1, 0 or an error.
 */
#ifndef DM_OBJECT_H
#define DM_OBJECT_H

#include "base/map.h"
#include "lang/template.h"
#include "lang/template_ast.h"

/* Limits beside those of template.h: each error names the one it met. */
enum {
    DM_TEMPLATE_ITEMS = 1000000,    /* of one list */
    DM_TEMPLATE_MEMORY = 256 << 20, /* bytes of one render */
    DM_TEMPLATE_RANGE = 100000,     /* of range(), Jinja's own */
    DM_TEMPLATE_EVAL_DEPTH = 2500, /* expressions and statements within each other, through calls */
};

struct dm_scope {
    struct dm_scope *up;
    struct dm_map vars;       /* name -> const struct dm_value * */
    struct dm_module *module; /* at the root of one: what lies beyond */
    bool block;               /* the body of a {% block %} */
};

/* A template that is being executed; its parents (extends) share it. */
struct dm_module {
    struct dm_scope root;
    struct dm_scope *outer; /* of the template that includes it, or NULL */
    bool with_context;
    const struct dm_template *t;
    const struct dm_template *parent; /* after `extends` */
    unsigned parents;                 /* so far */
    struct dm_map blocks;             /* name -> struct dm_block *, the most derived first */
};

struct dm_block {
    const struct dm_node *node;
    const struct dm_template *t;
    struct dm_block *next; /* what super() means */
};

/* What was put out by a body of a native template: one value is itself, several are a text. */
struct dm_pieces {
    size_t n;
    const struct dm_value *first; /* NULL = a text of the template */
};

struct dm_eval {
    struct dm_arena *a;
    const struct dm_context *c;
    struct dm_err *err;
    const struct dm_template *t; /* whose nodes are being evaluated */
    struct dm_map variables;     /* context variables made so far */
    struct dm_map templates;     /* files parsed so far */
    struct dm_map zones;         /* time zones read so far */
    uint64_t steps;
    unsigned depth, calls;
    bool placed; /* the error knows its place */
    bool autoescape;
    struct dm_pieces *pieces; /* of a native template's output; NULL = a text is wanted */
    bool constant;            /* in an expression without variables: infinity and NaN have a name */
};

enum dm_template_error {
#define DM_TEMPLATE_ERROR(name, word, code) DM_TE_##name,
#include "lang/template_errors.def"
#undef DM_TEMPLATE_ERROR
};

/* Sets the error of this class; returns its code. */
int dm_eval_fail(struct dm_eval *e, enum dm_template_error why, const char *fmt, ...)
    dm_printf(3, 4);
/* Counts work against DM_TEMPLATE_STEPS and DM_TEMPLATE_MEMORY. */
int dm_eval_charge(struct dm_eval *e, uint64_t bytes) dm_nodiscard;
/* Nesting of evaluation; pairs. */
int dm_eval_enter(struct dm_eval *e) dm_nodiscard;
static inline void dm_eval_leave(struct dm_eval *e)
{
    e->depth--;
}
/* A callback's failure: keeps its message, adds the class "other" where it has none. */
int dm_eval_outside(struct dm_eval *e, int rc);

/* Arguments of a call. */
struct dm_named_arg {
    struct dm_str name;
    const struct dm_value *value;
};
struct dm_args {
    const struct dm_value **pos;
    size_t n;
    struct dm_named_arg *named;
    size_t n_named;
};

/* The value of a named argument, or NULL. */
const struct dm_value *dm_named_arg(const struct dm_args *args, const char *name);

enum { DM_CALL_ARGS = 10 };
struct dm_call {
    const char *name;
    const struct dm_value *self; /* of a method; what is left of the bar for a filter or test */
    const struct dm_value *arg[DM_CALL_ARGS]; /* by the callable's spec; NULL = not given */
    const struct dm_args *all;
};

/*
 * Something that can be called: a filter, a test, a method, a function.  `spec` lists the parameters, "width?
 * fill?"; ? = may be left out; a final * = any others too, to be read from call->all.
 */
struct dm_callable {
    const char *name, *spec;
    int (*fn)(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret);
    const char *doc;
};

int dm_callable_run(struct dm_eval *e, const struct dm_callable *f, const struct dm_value *self,
                    const struct dm_args *args, const struct dm_value **ret) dm_nodiscard;
/* The one of that name in a table that ends with a NULL name. */
const struct dm_callable *dm_callable_find(const struct dm_callable *table, struct dm_str name);
/* A value that calls f on self (which may be NULL). */
const struct dm_value *dm_bound(struct dm_eval *e, const struct dm_callable *f,
                                const struct dm_value *self);

const struct dm_callable *dm_filter_find(struct dm_str name);
const struct dm_callable *dm_test_find(struct dm_str name);
const char *dm_filter_nearest(struct dm_str name);
const char *dm_test_nearest(struct dm_str name);

/* Objects: what only templates know.  Members that are NULL mean "cannot". */
struct dm_class {
    const char *type; /* Python's name of the type, for messages */
    int (*attr)(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                const struct dm_value **ret); /* 1, 0, error */
    int (*item)(struct dm_eval *e, const struct dm_value *self, const struct dm_value *key,
                const struct dm_value **ret); /* 1, 0, error */
    int (*call)(struct dm_eval *e, const struct dm_value *self, const struct dm_args *args,
                const struct dm_value **ret);
    int (*text)(struct dm_eval *e, const struct dm_value *self, bool repr, struct dm_strbuf *b);
    /* All items, as a list. */
    int (*iter)(struct dm_eval *e, const struct dm_value *self, const struct dm_value **ret);
    int (*length)(struct dm_eval *e, const struct dm_value *self, int64_t *ret);
    int (*truth)(struct dm_eval *e, const struct dm_value *self);
    /* n items, from the first one on, each `step` further. */
    int (*slice)(struct dm_eval *e, const struct dm_value *self, int64_t first, int64_t step,
                 int64_t n, const struct dm_value **ret);
    /* 1 = done, 0 = not with that operand. */
    int (*binary)(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                  const struct dm_value *y, const struct dm_value **ret);
    /* -1, 0, 1, or DM_UNORDERED. */
    int (*compare)(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y);
    /* Of a tuple whose items have names: the tuple. */
    const struct dm_value *(*tuple)(const struct dm_value *self);
    bool is_sequence, is_mapping;
};
enum { DM_UNORDERED = 2 };

struct dm_object {
    const struct dm_class *cls;
    void *data;
};

const struct dm_value *dm_object_value(struct dm_eval *e, const struct dm_class *cls, void *data);
/* The data of an object of that class, or NULL. */
void *dm_object_data(const struct dm_value *v, const struct dm_class *cls);

/* Undefined values fail where they are used. */
struct dm_undefined {
    struct dm_str message;
    bool lenient; /* of `x if y` without else: an empty text */
    enum dm_template_error why;
};
extern const struct dm_class dm_class_undefined, dm_class_bound, dm_class_generator;
extern const struct dm_class dm_class_xcoms; /* several XComs: its data is the list of them */
const struct dm_value *dm_undefined(struct dm_eval *e, enum dm_template_error why, const char *fmt,
                                    ...) dm_printf(3, 4);
const struct dm_undefined *dm_is_undefined(const struct dm_value *v);
int dm_eval_undefined(struct dm_eval *e, const struct dm_undefined *u); /* fails with it */
/* An undefined value fails (a lenient one too). */
int dm_eval_defined(struct dm_eval *e, const struct dm_value *v) dm_nodiscard;

/* A one-way iterator over a list (what map, select … give). */
const struct dm_value *dm_generator(struct dm_eval *e, const struct dm_value *list);
/* The same where making the items ended with rc: the error in e->err comes to the one who reads on behind them. */
const struct dm_value *dm_generator_after(struct dm_eval *e, int rc, const struct dm_value *list);
/* Its next item: 1, 0 at the end, error. */
int dm_generator_next(struct dm_eval *e, const struct dm_value *v, const struct dm_value **ret);

/* --- values with Python's meaning (template_value.c, template_ops.c, template_attr.c) --- */
const char *dm_type_name(const struct dm_value *v);
int dm_text(struct dm_eval *e, const struct dm_value *v, struct dm_strbuf *b) dm_nodiscard;
int dm_repr(struct dm_eval *e, const struct dm_value *v, struct dm_strbuf *b) dm_nodiscard;
/* str(v), in the arena. */
int dm_text_of(struct dm_eval *e, const struct dm_value *v, struct dm_str *ret) dm_nodiscard;
int dm_truth(struct dm_eval *e, const struct dm_value *v) dm_nodiscard;
/* All items as a list that the caller may change. */
int dm_items(struct dm_eval *e, const struct dm_value *v, struct dm_value **ret) dm_nodiscard;
bool dm_is_iterable(const struct dm_value *v);
int dm_length(struct dm_eval *e, const struct dm_value *v, int64_t *ret) dm_nodiscard;
int dm_equal(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y) dm_nodiscard;
/* The tuple that a tuple with named items is; any other value itself. */
const struct dm_value *dm_as_tuple(const struct dm_value *v);
/* op is one of < <= > >=. */
int dm_order(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
             const struct dm_value *y) dm_nodiscard;
int dm_contains(struct dm_eval *e, const struct dm_value *in,
                const struct dm_value *v) dm_nodiscard;
int dm_binary(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
              const struct dm_value *y, const struct dm_value **ret) dm_nodiscard;
int dm_negate(struct dm_eval *e, bool minus, const struct dm_value *v,
              const struct dm_value **ret) dm_nodiscard;
/* Jinja's a.name and a[key]: each tries the other way too; missing ones are undefined values. */
int dm_getattr(struct dm_eval *e, const struct dm_value *v, struct dm_str name,
               const struct dm_value **ret) dm_nodiscard;
int dm_getitem(struct dm_eval *e, const struct dm_value *v, const struct dm_value *key,
               const struct dm_value **ret) dm_nodiscard;
/* The attribute itself: 1, 0, error. */
int dm_attribute(struct dm_eval *e, const struct dm_value *v, struct dm_str name,
                 const struct dm_value **ret) dm_nodiscard;
int dm_slice(struct dm_eval *e, const struct dm_value *v, const struct dm_value *from,
             const struct dm_value *to, const struct dm_value *step,
             const struct dm_value **ret) dm_nodiscard;
int dm_call(struct dm_eval *e, const struct dm_value *f, const struct dm_args *args,
            const struct dm_value **ret) dm_nodiscard;
bool dm_is_callable(const struct dm_value *v);
bool dm_is_hashable(const struct dm_value *v);
/* Stable sort as sorted(); `by_key` compares items[i].key (see template_sort.c). */
struct dm_sort_item {
    const struct dm_value *key, *value;
};
int dm_sort(struct dm_eval *e, struct dm_sort_item *items, size_t n, bool reverse) dm_nodiscard;

/* Makers: text is copied into the arena; bytes are charged. */
int dm_new_text(struct dm_eval *e, struct dm_strbuf *b, const struct dm_value **ret) dm_nodiscard;
const struct dm_value *dm_str_value(struct dm_eval *e, struct dm_str s); /* not copied */
const struct dm_value *dm_int_value(struct dm_eval *e, int64_t i);
const struct dm_value *dm_bool_value(bool b);
const struct dm_value *dm_tuple(struct dm_eval *e,
                                size_t n); /* items NULL, to be filled by tuple_set */
void dm_tuple_set(const struct dm_value *tuple, size_t i, const struct dm_value *v);
const struct dm_value *dm_safe(struct dm_eval *e, const struct dm_value *text); /* as Markup */
void dm_escape_html(struct dm_strbuf *b, struct dm_str s);

/* Arguments with the type that Python wants; fail with class `type`. */
int dm_param_int(struct dm_eval *e, const struct dm_call *c, size_t i, int64_t fallback,
                 int64_t *ret) dm_nodiscard;
int dm_param_float(struct dm_eval *e, const struct dm_call *c, size_t i, double fallback,
                   double *ret) dm_nodiscard;
int dm_param_bool(struct dm_eval *e, const struct dm_call *c, size_t i, bool fallback,
                  bool *ret) dm_nodiscard;
int dm_param_str(struct dm_eval *e, const struct dm_call *c, size_t i, const char *fallback,
                 struct dm_str *ret) dm_nodiscard;
bool dm_is_int(const struct dm_value *v); /* integers and booleans */
bool dm_is_number(const struct dm_value *v);
int64_t dm_int_of(const struct dm_value *v);  /* of INT or BOOL */
double dm_float_of(const struct dm_value *v); /* of any number */

/* --- formatting (template_format.c, template_json.c) --- */
int dm_percent_format(struct dm_eval *e, struct dm_str format, const struct dm_value *args,
                      const struct dm_value **ret) dm_nodiscard;
int dm_brace_format(struct dm_eval *e, struct dm_str format, const struct dm_args *args,
                    const struct dm_value **ret) dm_nodiscard;
/* format(value, spec). */
int dm_format_spec(struct dm_eval *e, const struct dm_value *v, struct dm_str spec,
                   struct dm_strbuf *b) dm_nodiscard;
struct dm_json_style {
    int indent;           /* blanks per level; -1 = one line */
    struct dm_str margin; /* what stands for them, where p is not NULL */
    bool sorted, ascii, html;
    struct dm_str item_sep, key_sep; /* empty p = Python's defaults */
};
/* json.dumps's `indent`: a number of blanks, the text of one level, or none. */
int dm_json_indent(struct dm_eval *e, const struct dm_call *c, size_t i,
                   struct dm_json_style *style) dm_nodiscard;
int dm_json_text(struct dm_eval *e, const struct dm_value *v, const struct dm_json_style *style,
                 struct dm_strbuf *b) dm_nodiscard;
/* A value of JSON, as json.loads() has it. */
int dm_json_read(struct dm_eval *e, struct dm_str text, const struct dm_value **ret) dm_nodiscard;
/* A Python literal ("[1, 'a']"); 1 = it is one, 0 = it is not. */
int dm_literal(struct dm_arena *a, struct dm_str text, const struct dm_value **ret);

/* --- attributes and methods by kind --- */
extern const struct dm_callable dm_str_methods[], dm_list_methods[], dm_map_methods[],
    dm_tuple_methods[];
int dm_number_attr(struct dm_eval *e, const struct dm_value *v, struct dm_str name,
                   const struct dm_value **ret);
int dm_date_attr(struct dm_eval *e, const struct dm_value *v, struct dm_str name,
                 const struct dm_value **ret);
int dm_delta_attr(struct dm_eval *e, const struct dm_value *v, struct dm_str name,
                  const struct dm_value **ret);
int dm_date_text(struct dm_eval *e, const struct dm_value *v, bool repr, struct dm_strbuf *b);
void dm_delta_text(int64_t us, bool repr, struct dm_strbuf *b);
/* 1 = done, 0 = not with these operands. */
int dm_date_binary(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                   const struct dm_value *y, const struct dm_value **ret);
/* 1 = they can be compared, with -1, 0 or 1 in *ret; 0 = they cannot. */
int dm_date_compare(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y,
                    int *ret);
/* What the class datetime has, of a datetime too: strptime() …: 1, or 0. */
int dm_datetime_member(struct dm_eval *e, struct dm_str name, const struct dm_value **ret);
int dm_strftime(struct dm_eval *e, const struct dm_value *v, struct dm_str format,
                struct dm_strbuf *b) dm_nodiscard;
int dm_strptime(struct dm_eval *e, struct dm_str text, struct dm_str format,
                const struct dm_value **ret) dm_nodiscard;

/* --- variables --- */
/* A variable of the run (context.def): 1 with its value, 0 where there is none of that name. */
int dm_context_variable(struct dm_eval *e, struct dm_str name, const struct dm_value **ret);
bool dm_context_has(struct dm_str name);
extern const char *const dm_context_names[]; /* for hints */
/* range, dict, namespace …: NULL where there is none of that name. */
const struct dm_value *dm_global(struct dm_eval *e, struct dm_str name);
extern const struct dm_callable dm_globals[];
extern const struct dm_class dm_class_namespace;
int dm_namespace_set(struct dm_eval *e, const struct dm_value *ns, struct dm_str name,
                     const struct dm_value *v) dm_nodiscard;
/* A copy of a value from outside that templates may change. */
const struct dm_value *dm_own_copy(struct dm_eval *e, const struct dm_value *v);
/* Macros module (template_macros.c). */
const struct dm_value *dm_macros_module(struct dm_eval *e);

/* --- statements (template_exec.c) --- */
int dm_eval_expr(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                 const struct dm_value **ret) dm_nodiscard;
/* With a value for the hole of a filter chain. */
int dm_eval_filtered(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                     const struct dm_value *hole, const struct dm_value **ret) dm_nodiscard;
int dm_eval_args(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                 struct dm_args *ret) dm_nodiscard;
int dm_exec(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
            struct dm_strbuf *out) dm_nodiscard;
int dm_lookup(struct dm_eval *e, struct dm_scope *s, struct dm_str name,
              const struct dm_value **ret) dm_nodiscard;
/* A whole template (template_module.c). */
int dm_exec_template(struct dm_eval *e, const struct dm_template *t,
                     struct dm_strbuf *out) dm_nodiscard;
int dm_exec_include(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                    struct dm_strbuf *out) dm_nodiscard;
int dm_exec_import(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n) dm_nodiscard;
int dm_exec_extends(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n) dm_nodiscard;
int dm_exec_block(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                  struct dm_strbuf *out) dm_nodiscard;
/* Calls of macros, blocks, files and recursive loops within each other: at most DM_TEMPLATE_DEPTH. */
int dm_exec_deeper(struct dm_eval *e) dm_nodiscard;
struct dm_scope *dm_scope_new(struct dm_eval *e, struct dm_scope *up);
void dm_scope_set(struct dm_scope *s, struct dm_str name, const struct dm_value *v);
/* Gives a target (NAME, TUPLE, ATTR of a namespace) its value. */
int dm_assign(struct dm_eval *e, struct dm_scope *s, const struct dm_node *target,
              const struct dm_value *v) dm_nodiscard;
int dm_exec_for(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                struct dm_strbuf *out) dm_nodiscard;
const struct dm_value *dm_macro(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n);
/* Counts a value (or with NULL a text) of the output, for native templates. */
void dm_exec_piece(struct dm_eval *e, const struct dm_value *v);
/* What a body put out, as one value: its text `b`, or what native templates make of the pieces. */
int dm_exec_result(struct dm_eval *e, const struct dm_pieces *pieces, struct dm_strbuf *b,
                   const struct dm_value **ret) dm_nodiscard;
/* The text of a body. */
int dm_exec_text(struct dm_eval *e, struct dm_scope *s, const struct dm_node *body,
                 const struct dm_value **ret) dm_nodiscard;

#endif
