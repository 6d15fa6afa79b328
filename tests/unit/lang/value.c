/* Values: equality as in Python, maps, the text of floats, JSON. */
#include "lang/value.h"

#include <math.h>

#include "base/time.h"
#include "lang/big.h"
#include "t.h"

static struct dm_arena arena;

static void numbers_are_equal_across_kinds(void)
{
    struct dm_value one = {.kind = DM_INT, .i = 1}, onef = {.kind = DM_FLOAT, .f = 1.0};
    T_OK(dm_value_equal(&one, &onef));
    T_OK(dm_value_equal(&one, &dm_true));
    T_OK(dm_value_equal(&onef, &dm_true));
    T_INT(dm_value_hash(&one), dm_value_hash(&onef));
    T_INT(dm_value_hash(&one), dm_value_hash(&dm_true));
    struct dm_value odd = {.kind = DM_INT, .i = (INT64_C(1) << 53) + 1};
    struct dm_value oddf = {.kind = DM_FLOAT, .f = 0x1p53};
    T_OK(!dm_value_equal(&odd, &oddf));
    struct dm_value nan_value = {.kind = DM_FLOAT, .f = NAN};
    T_OK(!dm_value_equal(&nan_value, &nan_value));
    T_OK(!dm_value_equal(&dm_null, &dm_false));
}

static void maps_keep_order_and_find_any_key(void)
{
    struct dm_value *map = dm_value_map(&arena);
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        dm_map_set(&arena, map, key, dm_value_int(&arena, i));
    }
    dm_map_set(&arena, map, "k7", dm_value_int(&arena, -7));
    T_INT(map->map.n, 1000);
    T_INT(dm_map_int(map, "k999", 0), 999);
    T_INT(dm_map_int(map, "k7", 0), -7);
    T_DMSTR(map->map.pairs[7].key->s, "k7");
    T_OK(!dm_map_at(map, "k1000"));

    struct dm_value *copy = dm_value_copy(&arena, map);
    dm_map_set(&arena, copy, "k0", &dm_null);
    T_INT(dm_map_int(map, "k0", -1), 0);
    T_INT(copy->map.n, 1000);

    struct dm_value *numbers = dm_value_map(&arena);
    dm_map_set_value(&arena, numbers, dm_value_int(&arena, 1), dm_value_cstr(&arena, "a"));
    dm_map_set_value(&arena, numbers, &dm_true, dm_value_cstr(&arena, "b"));
    T_INT(numbers->map.n, 1);
    T_DMSTR(dm_map_get_value(numbers, dm_value_float(&arena, 1.0))->s, "b");
}

static void lists_grow(void)
{
    struct dm_value *list = dm_value_list(&arena, 0);
    for (int i = 0; i < 100; i++)
        dm_list_add(&arena, list, dm_value_int(&arena, i));
    T_INT(list->list.n, 100);
    T_INT(list->list.items[99]->i, 99);
    struct dm_value *exact = dm_value_list(&arena, 1);
    exact->list.items[0] = &dm_true;
    dm_list_add(&arena, exact, &dm_false);
    T_INT(exact->list.n, 2);
}

static void floats_print_as_python_does(void)
{
    static const struct {
        double f;
        const char *text;
    } cases[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {0.1, "0.1"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1.5e300, "1.5e+300"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {123.456, "123.456"},
        {1.0 / 3, "0.3333333333333333"},
        {INFINITY, "inf"},
        {-2.5e-7, "-2.5e-07"},
        {5e-324, "5e-324"},
        {100, "100.0"},
        {-1.7976931348623157e308, "-1.7976931348623157e+308"},
    };
    char buf[DM_FLOAT_MAX];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        T_STR(dm_float_repr(cases[i].f, buf), cases[i].text);
}

static void json_survives_a_round_trip(void)
{
    struct dm_err err;
    struct dm_value *v;
    const char *text =
        "{\"b\": [1, -2.5, true, null], \"a\": {\"x\": \"q\\\"\\n\\u0000é\"}, \"e\": {}}";
    T_TRY(dm_value_from_json(&arena, dm_str_c(text), &v, &err), err);
    T_DMSTR(dm_value_json(&arena, v), text);
    struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_value_to_json(&b, v, true);
    T_STR(b.p, "{\"a\": {\"x\": \"q\\\"\\n\\u0000é\"}, \"b\": [1, -2.5, true, null], \"e\": {}}");
    dm_strbuf_release(&b);
}

static void json_writes_dates_and_odd_keys(void)
{
    struct dm_value *map = dm_value_map(&arena);
    dm_map_set_value(&arena, map, dm_value_int(&arena, 7),
                     dm_value_time(&arena, INT64_C(1704067200) * DM_SEC, NULL));
    dm_map_set_value(&arena, map, &dm_null, dm_value_float(&arena, NAN));
    T_DMSTR(dm_value_json(&arena, map), "{\"7\": \"2024-01-01T00:00:00+00:00\", \"null\": null}");
}

static void json_refuses_what_is_wrong(void)
{
    struct dm_err err;
    struct dm_value *v;
    T_INT(dm_value_from_json(&arena, DM_STR("{\"a\": 1,}"), &v, &err), DM_E_SYNTAX);
    T_INT(err.line, 1);
    T_INT(dm_value_from_json(&arena, DM_STR(""), &v, &err), DM_E_SYNTAX);
    T_INT(dm_value_from_json(&arena, DM_STR("[1] 2"), &v, &err), DM_E_SYNTAX);
    T_INT(dm_value_from_json(&arena, DM_STR("9223372036854775808"), &v, &err), DM_E_LIMIT);
    char deep[200];
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    T_INT(dm_value_from_json(&arena, dm_str_n(deep, 130), &v, &err), DM_E_LIMIT);
    T_TRY(dm_value_from_json(&arena, dm_str_n(deep + 1, 128), &v, &err), err);
}

static const struct dm_value *big(const char *digits)
{
    const struct dm_value *v = NULL;
    T_INT(dm_big_parse(&arena, dm_str_c(digits), &v, NULL), 0);
    return v;
}

static struct dm_str text(const struct dm_value *v)
{
    return dm_value_json(&arena, v);
}

static void big_integers_calculate(void)
{
    struct dm_err err;
    const struct dm_value *r, *q, *two = dm_value_int(&arena, 2);
    T_TRY(dm_big_pow(&arena, two, 200, &r, &err), err);
    T_DMSTR(text(r), "1606938044258990275541962092341162602522202993782792835301376");
    T_TRY(dm_big_divmod(&arena, r, big("-12345678901234567890"), &q, &r, &err), err);
    T_DMSTR(text(q), "-130161982756436057245270848995428623856353");
    T_DMSTR(text(r), "-5805068848551003794");
    T_TRY(dm_big_add(&arena, big("9223372036854775807"), dm_value_int(&arena, 1), &r, &err), err);
    T_INT(r->kind, DM_BIG);
    T_DMSTR(text(r), "9223372036854775808");
    T_OK(dm_value_equal(r, dm_value_float(&arena, 0x1p63)));
    T_TRY(dm_big_sub(&arena, r, dm_value_int(&arena, 1), &r, &err), err);
    T_INT(r->kind, DM_INT);
    T_INT(dm_big_compare(big("-99999999999999999999"), two), -1);
    T_INT(dm_big_pow(&arena, big("99999999999999999999"), 1000000, &r, &err), DM_E_LIMIT);
    T_INT((long long)(dm_big_to_f64(big("100000000000000000000")->big) == 1e20), 1);
    T_DMSTR(text(dm_big_from_f64(&arena, 1e22)), "10000000000000000000000");
    T_INT(dm_big_from_f64(&arena, -3.99)->i, -3);
}

T_MAIN(T_CASE(numbers_are_equal_across_kinds), T_CASE(maps_keep_order_and_find_any_key),
       T_CASE(lists_grow), T_CASE(floats_print_as_python_does), T_CASE(json_survives_a_round_trip),
       T_CASE(json_writes_dates_and_odd_keys), T_CASE(json_refuses_what_is_wrong),
       T_CASE(big_integers_calculate))
