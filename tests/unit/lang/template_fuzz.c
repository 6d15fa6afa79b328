/* Templates that were mutated by a seeded generator: parsing and rendering give an answer or an error, always. */
#include "lang/template.h"

#include "base/time.h"
#include "t.h"

enum { ROUNDS = 20000 };

static uint64_t state = 0x9E3779B97F4A7C15;

static uint32_t random_below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % n;
}

static const char *const seeds[] = {
    "select {{ ds }} {%- if params.a > 1 %} x {% elif b %} y {% else %} z {% endif -%} ",
    "{% for k, v in {'a': [1, 2.5], 'b': (3,)}.items() if v recursive %}{{ loop.index }}{{ k ~ v "
    "}}{% else %}n{% endfor %}",
    "{% macro m(a, b='x') %}{{ varargs }}{{ kwargs }}{{ caller() }}{% endmacro %}{% call(u) m(1, "
    "2, c=3) %}{{ u }}{% endcall %}",
    "{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{% set x | upper %}q{% endset "
    "%}{{ x }}",
    "{{ logical_date.add(days=1, months=-2).strftime('%Y-%m-%d %j %U') }} {{ (data_interval_end - "
    "data_interval_start).in_words() }}",
    "{{ [3, 1, 2] | sort | map('string') | join(', ') }} {{ 'abc'[::-1] }} {{ '%5.2f|%-5s' % (1.5, "
    "'x') }}",
    "{{ '{:>{w}.2f} {!r} {a[0]}'.format(3.14159, 'q', w=10, a=[1]) }} {{ 2 ** 70 // 3 % 7 }}",
    "{% block a %}{{ self.b() }}{% endblock %}{% block b scoped %}{{ 1 if x is defined else 2 }}{% "
    "endblock %}",
    "{# c #}{% raw %}{{ x }}{% endraw %}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{% filter "
    "indent(2) %}l\nm{% endfilter %}",
    "{{ params.rows | groupby('k') | list | tojson(indent=2) }} {{ range(1, 10, 3) | batch(2, 'x') "
    "| list | pprint }}",
    "{{ macros.datetime(2024, 2, 29) + macros.timedelta(days=365) }} {{ macros.ds_format(ds, "
    "'%Y-%m-%d', '%d %b %y') }}",
    "{{ '\\u00e9\\x41\\n' ~ 0x1F ~ 1_000 ~ 1e3 }} {{ not (1 < 2 <= 3) and 'a' in 'abc' or none is "
    "none }}",
};

/* Pieces that a mutation puts in. */
static const char *const pieces[] = {
    "{{",    "}}",     "{%",       "%}",   "-%}",    "{#",     "#}",   "|",      "(",     ")",
    "[",     "]",      "{",        "}",    "'",      "\"",     "\\",   ",",      ":",     "~",
    "**",    "not ",   " in ",     " is ", " if ",   " else ", "for ", "endfor", "endif", "set ",
    "-1",    "0",      "1e308",    "none", "params", "loop",   ".x",   "[::0]",  "[-9:]", "ds",
    "|list", "|first", "\xC3\xA9", "\xFF", "\n",     "%s",     "{}",   "*a",     "**k",
};

static const char *pick(const char *const *list, size_t n)
{
    return list[random_below((uint32_t)n)];
}

static void mutate(struct dm_strbuf *b)
{
    dm_strbuf_clear(b);
    dm_strbuf_adds(b, pick(seeds, sizeof(seeds) / sizeof(seeds[0])));
    for (uint32_t k = 1 + random_below(4); k > 0 && b->len; k--) {
        size_t at = random_below((uint32_t)b->len);
        size_t n = random_below(12);
        struct dm_strbuf out;
        dm_strbuf_init(&out, DM_BUF_MESSAGE);
        dm_strbuf_add(&out, b->p, at);
        if (at + n > b->len)
            n = b->len - at;
        switch (random_below(4)) {
        case 0: /* leave a part out */
            dm_strbuf_add(&out, b->p + at + n, b->len - at - n);
            break;
        case 1: /* twice */
            dm_strbuf_add(&out, b->p + at, n);
            dm_strbuf_add(&out, b->p + at, b->len - at);
            break;
        case 2: /* put a piece in */
            dm_strbuf_adds(&out, pick(pieces, sizeof(pieces) / sizeof(pieces[0])));
            dm_strbuf_add(&out, b->p + at, b->len - at);
            break;
        default: /* another byte */
            dm_strbuf_add(&out, b->p + at, b->len - at);
            out.p[at] = (char)random_below(256);
        }
        dm_strbuf_clear(b);
        dm_strbuf_addstr(b, dm_strbuf_str(&out));
        dm_strbuf_release(&out);
    }
}

static void no_mutation_breaks_it(void)
{
    struct dm_strbuf b;
    size_t parsed = 0, rendered = 0;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    for (int i = 0; i < ROUNDS; i++) {
        _cleanup_arena_ struct dm_arena a;
        dm_arena_init(&a);
        mutate(&b);
        const int64_t day = INT64_C(1704067200) * DM_SEC;
        struct dm_context c = {
            .dag_id = "d",
            .task_id = "t",
            .run_id = "r",
            .run_type = "manual",
            .owner = "o",
            .logical_date = day,
            .interval_start = day,
            .interval_end = day + DM_DAY,
            .now = day,
            .prev_interval_start_success = DM_NEVER,
            .prev_interval_end_success = DM_NEVER,
            .prev_start_date_success = DM_NEVER,
            .prev_end_date_success = DM_NEVER,
        };
        struct dm_err err = {0};
        const struct dm_template *t;
        struct dm_str out;
        int rc = dm_template_parse(&a, dm_strbuf_str(&b), (struct dm_place){0}, &t, &err);
        parsed += rc == 0;
        if (rc == 0)
            rc = dm_template_render(&a, t, &c, &out, &err);
        rendered += rc == 0;
        if (rc < 0 && (!err.message[0] || !err.detail[0] || err.line < 1))
            t_fail(__FILE__, __LINE__, "an error without class or place (%s): %.*s", err.message,
                   DM_FMT(dm_strbuf_str(&b)));
    }
    dm_strbuf_release(&b);
    T_OK(parsed > ROUNDS / 20);
    T_OK(rendered > ROUNDS / 100);
}

T_MAIN(T_CASE(no_mutation_breaks_it))
