/* Conditions over assets. */
#include "lang/asset.h"

#include "t.h"

static struct dm_arena arena;
static const char *changed_now; /* letters */

static bool changed(void *user, struct dm_str uri)
{
    return uri.len == 1 && strchr(changed_now, uri.p[0]);
}

static const struct dm_value *parse(const char *json)
{
    struct dm_value *v;
    struct dm_err err;
    return dm_value_from_json(&arena, dm_str_c(json), &v, &err) < 0 ? &dm_null : v;
}

#define A(uri) "{\"__type__\": \"Asset\", \"uri\": \"" uri "\"}"
#define ALL(objects) "{\"__type__\": \"AssetAll\", \"objects\": [" objects "]}"
#define ANY(objects) "{\"__type__\": \"AssetAny\", \"objects\": [" objects "]}"

static void conditions_hold(void)
{
    static const struct {
        const char *condition, *text, *holds, *fails; /* words of letters */
    } cases[] = {
        {A("a"), "a", "a ab", "b"},
        {ALL(A("a") "," A("b")), "a and b", "ab abc", "a b c"},
        {ANY(A("a") "," A("b")), "a or b", "a b ab", "c"},
        {ANY(ALL(A("a") "," A("b")) "," A("c")), "(a and b) or c", "ab c abc", "a b"},
        {ALL(A("a") "," ANY(A("b") "," A("c"))), "a and (b or c)", "ab ac abc", "a bc b"},
        {ALL(A("a")), "a", "a", "b"},
        {ANY(""), "", "", "a"},
        {ALL(A("a") "," ANY("")), "a and ", "", "a"},
        {"{\"__type__\": \"AssetOrTimeSchedule\", \"timetable\": \"@daily\", \"assets\": " ALL(
             A("a") "," A("b")) "}",
         "a and b", "ab", "a b"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct dm_value *c = dm_asset_condition(parse(cases[i].condition));
        struct dm_str holds = dm_str_c(cases[i].holds), fails = dm_str_c(cases[i].fails), word;
        _cleanup_strbuf_ struct dm_strbuf text;
        dm_strbuf_init(&text, DM_BUF_MESSAGE);
        T_OK(c);
        dm_asset_text(&text, c);
        T_DMSTR(dm_strbuf_str(&text), cases[i].text);
        while (holds.len && dm_str_split(&holds, ' ', &word)) {
            changed_now = dm_str_cstr(&arena, word);
            T_OK(dm_asset_met(c, changed, NULL));
        }
        while (fails.len && dm_str_split(&fails, ' ', &word)) {
            changed_now = dm_str_cstr(&arena, word);
            T_OK(!dm_asset_met(c, changed, NULL));
        }
    }
}

static void uris_come_once(void)
{
    size_t n;
    const struct dm_value *c = parse(ANY(ALL(A("b") "," A("a")) "," ALL(A("a") "," A("c"))));
    struct dm_str *uris = dm_asset_uris(&arena, c, &n);
    T_INT(n, 3);
    T_DMSTR(uris[0], "b");
    T_DMSTR(uris[1], "a");
    T_DMSTR(uris[2], "c");
    T_OK(!dm_asset_condition(parse("\"@daily\"")));
    T_OK(!dm_asset_condition(parse("{\"__type__\": \"CronTriggerTimetable\"}")));
}

static void outlets_are_texts_or_assets(void)
{
    struct dm_str uri;
    T_OK(dm_asset_uri(parse("\"s3://a\""), &uri));
    T_DMSTR(uri, "s3://a");
    T_OK(dm_asset_uri(parse(A("b")), &uri));
    T_DMSTR(uri, "b");
    T_OK(!dm_asset_uri(parse("{\"table\": \"x\"}"), &uri));
    T_OK(!dm_asset_uri(parse("3"), &uri));
}

T_MAIN(T_CASE(conditions_hold), T_CASE(uris_come_once), T_CASE(outlets_are_texts_or_assets))
