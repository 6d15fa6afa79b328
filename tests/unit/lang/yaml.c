/* lang/yaml.h: scalars, structure, limits and mistakes. */
#include "lang/yaml.h"

#include "t.h"

static const char *json(struct dm_arena *a, const char *text)
{
    const struct dm_value *v;
    struct dm_err err;
    if (dm_yaml_parse(a, dm_str_c(text), "f", &v, &err) < 0)
        return dm_arena_printf(a, "%d:%d: %s", err.line, err.col, err.message);
    return dm_value_json(a, v).p;
}

static void plain_scalars_mean_what_pyyaml_says(void)
{
    static const char *const cases[][2] = {
        {"no", "false"},
        {"On", "true"},
        {"y", "\"y\""},
        {"012", "10"},
        {"08", "\"08\""},
        {"0o17", "\"0o17\""},
        {"0x1F", "31"},
        {"0b101", "5"},
        {"1_000", "1000"},
        {"1:30", "90"},
        {"1:30.5", "90.5"},
        {"1e3", "\"1e3\""},
        {"1.0e+3", "1000.0"},
        {"1.0e3", "\"1.0e3\""},
        {".5", "0.5"},
        {"-.5", "\"-.5\""},
        {"5.", "5.0"},
        {"~", "null"},
        {"'~'", "\"~\""},
        {"!!str 5", "\"5\""},
        {"!!int '5'", "5"},
        {"2024-11-11", "\"2024-11-11\""},
        {"2024-1-5", "\"2024-1-5\""},
        {"2001-12-14t21:59:43.10-05:00", "\"2001-12-15T02:59:43.100000+00:00\""},
        {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775808", "1:1: the number 9223372036854775808 does not fit into 64 bits"},
        {"2024-02-30", "1:1: there is no date 2024-02-30"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        T_STR(json(&a, cases[i][0]), cases[i][1]);
    }
}

static void a_date_is_a_date_and_knows_its_place(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const struct dm_value *v;
    struct dm_err err;
    T_TRY(dm_yaml_parse(&a, DM_STR("a:\n  - b: 2024-11-11\n"), NULL, &v, &err), err);
    v = dm_map_at(dm_map_at(v, "a")->list.items[0], "b");
    T_INT(v->kind, DM_DATE);
    T_INT(v->i, 20038);
    T_INT(v->line, 2);
    T_INT(v->col, 8);
}

static void merges_and_aliases(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    T_STR(json(&a, "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\n"
                   "z: {<<: [*x, *y], c: 5}\nw: {<<: *x, <<: *y, a: 6}\n"),
          "{\"x\": {\"a\": 1, \"b\": 2}, \"y\": {\"b\": 3, \"c\": 4}, "
          "\"z\": {\"b\": 2, \"c\": 5, \"a\": 1}, \"w\": {\"a\": 6, \"b\": 3, \"c\": 4}}");
    T_STR(json(&a, "a: *b\n"), "1:4: there is no anchor &b before its alias");
    T_STR(json(&a, "a: &b [*b]\n"), "1:8: the alias *b lies inside its own anchor");
}

static void count_warning(void *user, uint32_t line, uint32_t col, const char *message)
{
    char *out = user;
    snprintf(out, 200, "%u:%u: %s", line, col, message);
}

static void the_last_of_two_equal_keys_wins_with_a_warning(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const struct dm_value *v;
    struct dm_err err;
    char warning[200] = "";
    T_TRY(dm_yaml_parse_dag(&a, DM_STR("a: 1\nb: 2\na: 3\n"), NULL, false, count_warning, warning,
                            &v, &err),
          err);
    T_INT(dm_map_int(v, "a", 0), 3);
    T_STR(warning, "3:1: the key \"a\" is there twice (first in line 1); the last one wins");
}

static void mistakes_say_where(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    T_HAS(json(&a, "a:\n\tb: 1\n"), "2:1: not YAML: a tab indents this line");
    T_HAS(json(&a, "a: x\ty\n"), "1:4: a tab cannot stand in a plain text");
    T_STR(json(&a, "a: \"x\ty\"\n"), "{\"a\": \"x\\ty\"}");
    T_HAS(json(&a, "a: \"x\nb: 1\n"), "started in line 1, column 4");
    T_HAS(json(&a, "a: [1, 2\nb: 1\n"), "2:2: not YAML: did not find expected ',' or ']'");
    T_HAS(json(&a, "a: 1\n  b: 2\n"), "2:4: not YAML: mapping values are not allowed");
    T_HAS(json(&a, "a: {{ ds }}\n"), "1:5: a key cannot be a map");
    T_HAS(json(&a, "a: 1\n---\nb: 2\n"), "2:1: not YAML: a second document");
    T_HAS(json(&a, "a: \xff\n"), "1:4: the file is not UTF-8: byte 0xff");
    T_HAS(json(&a, "a: x\x07\n"), "1:5: not YAML: control characters are not allowed");
    T_HAS(json(&a, "a: !!python/name:os.system x\n"), "the tag");
}

static void limits_are_named(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    char deep[200];
    memset(deep, '[', 100);
    deep[100] = '\0';
    T_HAS(json(&a, deep), "nested deeper than 64 levels");
    /* Ten aliases of ten aliases of …: small to write, large to write out. */
    T_HAS(json(&a, "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                   "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                   "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"),
          "more than 200000 values");
}

/* Any bytes: an answer or an error with a place, never a crash. */
static void mutated_texts_end(void)
{
    static const char seed[] = "d: &x {a: [1, 2.5, '~', \"q\\n\"], <<: *y}\n? k\n: |\n  text\n"
                               "e: !!int 012 # c\nf:\n  - 2024-11-11\n  - *x\n\tg: 'it''s'\n";
    static const char spice[] = "\t\n:{}[]&*!|>'\"%@`#-?, 0\xc3\x07";
    uint64_t r = 7;
    for (int round = 0; round < 20000; round++) {
        _cleanup_arena_ struct dm_arena a = {0};
        char text[sizeof(seed)];
        memcpy(text, seed, sizeof(seed));
        for (int k = 0; k < 3; k++) {
            r = r * 6364136223846793005u + 1442695040888963407u;
            text[(r >> 33) % (sizeof(seed) - 1)] = spice[(r >> 13) % (sizeof(spice) - 1)];
        }
        const struct dm_value *v;
        struct dm_err err = {0};
        int rc = dm_yaml_parse(&a, dm_str_n(text, sizeof(seed) - 1), NULL, &v, &err);
        T_OK(rc == 0 || (err.code == rc && err.line > 0 && err.col > 0));
    }
}

T_MAIN(T_CASE(plain_scalars_mean_what_pyyaml_says), T_CASE(a_date_is_a_date_and_knows_its_place),
       T_CASE(merges_and_aliases), T_CASE(the_last_of_two_equal_keys_wins_with_a_warning),
       T_CASE(mistakes_say_where), T_CASE(limits_are_named), T_CASE(mutated_texts_end))
