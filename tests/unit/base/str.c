/* base/str.h: values, the bounded builder, suggestions. */
#include "t.h"

static void splits_into_pieces(void)
{
    struct dm_str rest = DM_STR("a,,b"), piece;
    T_OK(dm_str_split(&rest, ',', &piece));
    T_DMSTR(piece, "a");
    T_OK(dm_str_split(&rest, ',', &piece));
    T_DMSTR(piece, "");
    T_OK(dm_str_split(&rest, ',', &piece));
    T_DMSTR(piece, "b");
    T_OK(!dm_str_split(&rest, ',', &piece));
}

static void a_full_buffer_keeps_what_it_has_and_says_so(void)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    struct dm_err err;
    dm_strbuf_init(&b, 4);
    dm_strbuf_adds(&b, "abcd");
    T_INT(dm_strbuf_check(&b, "text", &err), 0);
    dm_strbuf_adds(&b, "e");
    T_INT(dm_strbuf_check(&b, "text", &err), DM_E_LIMIT);
    T_STR(err.message, "text is larger than 4 bytes");
    T_DMSTR(dm_strbuf_str(&b), "abcd");
}

static void quotes_for_sql_and_json(void)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, 100);
    dm_strbuf_add_sql_literal(&b, DM_STR("it's"));
    dm_strbuf_add_sql_ident(&b, DM_STR("na\"me"));
    dm_strbuf_add_json(&b, DM_STR("a\"\n\x01\xff\xc3\xbc"));
    T_DMSTR(dm_strbuf_str(&b), "'it''s'\"na\"\"me\"\"a\\\"\\n\\u0001\xEF\xBF\xBD\xc3\xbc\"");
}

static void numbers_must_be_whole_texts(void)
{
    int64_t i = 7;
    T_OK(dm_str_to_i64(DM_STR("-12"), &i));
    T_INT(i, -12);
    T_OK(!dm_str_to_i64(DM_STR("12x"), &i));
    T_OK(!dm_str_to_i64(DM_STR(""), &i));
    T_OK(!dm_str_to_i64(DM_STR(" 1"), &i));
    T_OK(!dm_str_to_i64(DM_STR("99999999999999999999"), &i));
    T_INT(i, -12);
}

static void suggests_the_nearest_name(void)
{
    static const char *const names[] = {"schedule", "start_date", "tasks", NULL};
    T_STR(dm_str_nearest(DM_STR("shedule"), names), "schedule");
    T_STR(dm_str_nearest(DM_STR("Tasks"), names), "tasks");
    T_STR(dm_str_nearest(DM_STR("owner"), names), NULL);
}

static void finds_bytes_that_are_not_utf8(void)
{
    size_t at = 0;
    T_OK(dm_utf8_valid(DM_STR("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"), &at));
    T_OK(!dm_utf8_valid(DM_STR("ab\xed\xa0\x80"), &at));
    T_INT(at, 2);
    T_OK(!dm_utf8_valid(DM_STR("abc\xc3"), &at));
    T_INT(at, 3);
}

T_MAIN(T_CASE(splits_into_pieces), T_CASE(a_full_buffer_keeps_what_it_has_and_says_so),
       T_CASE(quotes_for_sql_and_json), T_CASE(numbers_must_be_whole_texts),
       T_CASE(suggests_the_nearest_name), T_CASE(finds_bytes_that_are_not_utf8))
