/* lang/schema_check.h: what fits a schema, and what is said where it does not. */
#include "lang/schema_check.h"

#include "t.h"

static const struct dm_value *json(struct dm_arena *a, const char *text)
{
    struct dm_value *v;
    if (dm_value_from_json(a, dm_str_c(text), &v, NULL) < 0)
        DM_BUG("no JSON: %s", text);
    return v;
}

static const char *said(struct dm_arena *a, const char *schema, const char *value)
{
    struct dm_err err;
    int rc = dm_schema_check(json(a, schema), json(a, value), "n", &err);
    return rc == 0 ? "" : dm_arena_strdup(a, err.message);
}

/* Each schema with values that fit it and values that do not. */
static void values_keep_to_their_schemas(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    static const struct {
        const char *schema, *good, *bad;
    } cases[] = {
        {"{\"type\": \"integer\"}", "[1, -5, 2.0]", "[1.5, true, \"1\", null]"},
        {"{\"type\": [\"null\", \"string\"]}", "[null, \"\"]", "[0, []]"},
        {"{\"type\": \"number\", \"minimum\": 1, \"exclusiveMaximum\": 5}", "[1, 4.9]", "[0.9, 5]"},
        {"{\"multipleOf\": 0.1}", "[0.3, 2, \"x\"]", "[0.35]"},
        {"{\"enum\": [1, \"a\", null, [true]]}", "[1, \"a\", null, [true], 1.0]",
         "[true, \"b\", [1]]"},
        {"{\"const\": 0}", "[0, 0.0]", "[false, null]"},
        {"{\"minLength\": 2, \"maxLength\": 3}", "[\"äö\", \"abc\", 5]", "[\"ä\", \"abcd\"]"},
        {"{\"pattern\": \"^[a-z]+\\\\d$\"}", "[\"ab1\", 5]", "[\"1\", \"ab\"]"},
        {"{\"format\": \"date\"}", "[\"2024-02-29\", 1]", "[\"2023-02-29\", \"2024-1-1\", \"x\"]"},
        {"{\"format\": \"date-time\"}",
         "[\"2024-02-28T01:02:03Z\", \"2024-02-28T01:02:03.5+02:00\"]",
         "[\"2024-02-28T01:02:03\", \"2024-02-28\", \"2024-02-30T01:02:03Z\"]"},
        {"{\"format\": \"time\"}", "[\"23:59:00\"]", "[\"24:00:00\", \"23:59\"]"},
        {"{\"format\": \"ipv4\"}", "[\"10.0.0.1\"]", "[\"10.0.0\", \"10.0.0.256\"]"},
        {"{\"format\": \"uuid\"}", "[\"123e4567-e89b-12d3-a456-426614174000\"]", "[\"123e4567\"]"},
        {"{\"type\": \"array\", \"items\": {\"type\": \"string\"}, \"minItems\": 1}", "[[\"a\"]]",
         "[[], [1], {}]"},
        {"{\"prefixItems\": [{\"type\": \"string\"}], \"items\": {\"type\": \"integer\"}}",
         "[[\"a\", 1, 2], []]", "[[1], [\"a\", \"b\"]]"},
        {"{\"uniqueItems\": true}", "[[1, true, \"1\"]]", "[[1, 2, 1.0]]"},
        {"{\"contains\": {\"type\": \"null\"}, \"maxContains\": 1}", "[[null, 1]]",
         "[[], [null, null]]"},
        {"{\"properties\": {\"x\": {\"type\": \"integer\"}}, \"required\": [\"y\"]}",
         "[{\"y\": 1}, {\"x\": 1, \"y\": 2}, 5]", "[{}, {\"x\": \"a\", \"y\": 1}]"},
        {"{\"properties\": {\"x\": {}}, \"patternProperties\": {\"^a\": {\"type\": \"null\"}}, "
         "\"additionalProperties\": false}",
         "[{\"x\": 1, \"ab\": null}]", "[{\"b\": 1}, {\"ab\": 1}]"},
        {"{\"dependentRequired\": {\"a\": [\"b\"]}}", "[{}, {\"a\": 1, \"b\": 1}]", "[{\"a\": 1}]"},
        {"{\"propertyNames\": {\"maxLength\": 1}, \"maxProperties\": 2}", "[{\"a\": 1}]",
         "[{\"ab\": 1}, {\"a\": 1, \"b\": 1, \"c\": 1}]"},
        {"{\"anyOf\": [{\"type\": \"string\"}, {\"minimum\": 5}]}", "[\"a\", 7]", "[3]"},
        {"{\"oneOf\": [{\"type\": \"integer\"}, {\"minimum\": 5}]}", "[3, 5.5]", "[7, 1.5]"},
        {"{\"allOf\": [{\"minimum\": 1}, {\"maximum\": 2}], \"not\": {\"const\": 2}}", "[1]",
         "[0, 3, 2]"},
        {"{\"if\": {\"type\": \"string\"}, \"then\": {\"minLength\": 1}, \"else\": {\"const\": 1}}",
         "[\"a\", 1]", "[\"\", 2]"},
        {"{\"$defs\": {\"p\": {\"type\": \"integer\"}}, \"items\": {\"$ref\": \"#/$defs/p\"}}",
         "[[1, 2]]", "[[\"a\"]]"},
        {"{\"properties\": {\"next\": {\"$ref\": \"#\"}, \"v\": {\"type\": \"integer\"}}}",
         "[{\"next\": {\"next\": {\"v\": 1}}}]", "[{\"next\": {\"next\": {\"v\": \"a\"}}}]"},
        {"true", "[1]", "[]"},
        {"false", "[]", "[1]"},
        {"{\"title\": \"x\", \"values_display\": {}}", "[1]", "[]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct dm_value *good = json(&a, cases[i].good), *bad = json(&a, cases[i].bad);
        const struct dm_value *schema = json(&a, cases[i].schema);
        struct dm_err err;
        T_TRY(dm_schema_valid(schema, &err), err);
        for (size_t k = 0; k < good->list.n; k++)
            T_TRY(dm_schema_check(schema, good->list.items[k], "n", &err), err);
        for (size_t k = 0; k < bad->list.n; k++)
            if (dm_schema_check(schema, bad->list.items[k], "n", &err) == 0)
                t_fail(__FILE__, __LINE__, "%s takes value %zu of %s", cases[i].schema, k,
                       cases[i].bad);
    }
}

static void the_part_and_the_reason_are_named(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    T_STR(said(&a, "{\"type\": \"integer\"}", "\"x\""),
          "n: \"x\" is of the type string, not \"integer\"");
    T_STR(said(&a, "{\"properties\": {\"b\": {\"items\": {\"maximum\": 3}}}}", "{\"b\": [1, 4]}"),
          "n.b[1]: 4 is more than 3");
    T_STR(said(&a, "{\"required\": [\"x\"]}", "{}"), "n: the key \"x\" is missing");
    T_STR(said(&a, "{\"additionalProperties\": false}", "{\"y\": 1}"), "n: it has no key \"y\"");
    T_STR(said(&a, "{\"pattern\": \"^a\"}", "\"b\""), "n: \"b\" does not fit the pattern \"^a\"");
    T_HAS(said(&a, "{\"$ref\": \"#\"}", "1"), "n: its schema needs more than 64 levels");
    T_HAS(said(&a, "{\"not\": {\"$ref\": \"#\"}}", "1"), "n: its schema needs more than 64 levels");
}

static void a_wrong_schema_is_found(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    static const struct {
        const char *schema, *message;
    } cases[] = {
        {"{\"type\": \"int\"}", "there is no type \"int\" in a schema"},
        {"{\"minimum\": \"1\"}", "minimum in a schema must be a number, not a string"},
        {"{\"pattern\": \"(\"}", "the group is not closed"},
        {"{\"items\": {\"enum\": 1}}", "enum in a schema must be a list"},
        {"{\"anyOf\": []}", "anyOf in a schema must be a list of schemas"},
        {"{\"properties\": {\"x\": 1}}", "a part in a schema must be a map"},
        {"{\"required\": [1]}", "required in a schema must be a list of texts"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dm_err err = {.code = 0};
        T_INT(dm_schema_valid(json(&a, cases[i].schema), &err), DM_E_INVALID);
        T_HAS(err.message, cases[i].message);
    }
}

T_MAIN(T_CASE(values_keep_to_their_schemas), T_CASE(the_part_and_the_reason_are_named),
       T_CASE(a_wrong_schema_is_found))
