/* warehouse/parse.h and datetime.h: what PostgreSQL reads and what it refuses. */
#include "warehouse/parse.h"

#include "t.h"
#include "warehouse/datetime.h"
#include "warehouse/format.h"

/* The value read and printed again, or "!SQLSTATE". */
static const char *round_trip(struct dm_arena *a, const struct dm_type *t, const char *text)
{
    struct dm_cell cell;
    struct dm_err err;
    if (dm_parse_text(a, t, dm_str_c(text), &cell, &err) < 0)
        return dm_arena_printf(a, "!%s", err.sqlstate);
    struct dm_vector v = {.type = t, .data = &cell.v};
    duckdb_string_t s = {0};
    if (t->id == DUCKDB_TYPE_VARCHAR || t->id == DUCKDB_TYPE_BLOB) {
        s.value.pointer.length = (uint32_t)cell.bytes.len;
        if (cell.bytes.len <= 12)
            memcpy(s.value.inlined.inlined, cell.bytes.p, cell.bytes.len);
        else
            s.value.pointer.ptr = (char *)(uintptr_t)cell.bytes.p;
        v.data = &s;
    }
    struct dm_strbuf out;
    dm_strbuf_init(&out, DM_BUF_MESSAGE);
    if (dm_format_text(&v, 0, &out, &err) < 0)
        dm_strbuf_adds(&out, err.message);
    const char *ret = dm_arena_strndup(a, out.p ? out.p : "", out.len);
    dm_strbuf_release(&out);
    return ret;
}

struct pair {
    const char *in, *out;
};

static void check(const struct dm_type *t, const struct pair *pairs)
{
    _cleanup_arena_ struct dm_arena a = {0};
    for (; pairs->in; pairs++) {
        const char *got = round_trip(&a, t, pairs->in);
        if (strcmp(got, pairs->out) != 0)
            t_fail(__FILE__, __LINE__, "\"%s\": got %s, want %s", pairs->in, got, pairs->out);
    }
}

static void numbers(void)
{
    check(&(struct dm_type){.id = DUCKDB_TYPE_INTEGER},
          (struct pair[]){{" 42 ", "42"},
                          {"-2147483648", "-2147483648"},
                          {"+7", "7"},
                          {"2147483648", "!22003"},
                          {"999999999999999999999999999999999999999999", "!22003"},
                          {"1.0", "!22P02"},
                          {"", "!22P02"},
                          {"-", "!22P02"},
                          {"0x10", "!22P02"},
                          {NULL, NULL}});
    check(&(struct dm_type){.id = DUCKDB_TYPE_DECIMAL, .width = 8, .scale = 3},
          (struct pair[]){{"2.55", "2.550"},
                          {"0.0005", "0.001"},
                          {"-0.0005", "-0.001"},
                          {"0.00049", "0.000"},
                          {"1e3", "1000.000"},
                          {"12345e-3", "12.345"},
                          {".5", "0.500"},
                          {"5.", "5.000"},
                          {"99999.9994", "99999.999"},
                          {"99999.9995", "!22003"},
                          {"1e400", "!22003"},
                          {"abc", "!22P02"},
                          {".", "!22P02"},
                          {"1 2", "!22P02"},
                          {NULL, NULL}});
    check(&(struct dm_type){.id = DUCKDB_TYPE_DOUBLE}, (struct pair[]){{"1e20", "1e+20"},
                                                                       {" -Infinity ", "-Infinity"},
                                                                       {"nan", "NaN"},
                                                                       {"1e400", "!22003"},
                                                                       {"0x1p3", "!22P02"},
                                                                       {"1e", "!22P02"},
                                                                       {NULL, NULL}});
    check(&(struct dm_type){.id = DUCKDB_TYPE_BOOLEAN}, (struct pair[]){{"yes", "t"},
                                                                        {"TRU", "t"},
                                                                        {"of", "f"},
                                                                        {"o", "!22P02"},
                                                                        {"1", "t"},
                                                                        {"2", "!22P02"},
                                                                        {NULL, NULL}});
}

static void dates_are_month_day_year(void)
{
    check(&(struct dm_type){.id = DUCKDB_TYPE_TIMESTAMP},
          (struct pair[]){{"12/1/2010 8:26", "2010-12-01 08:26:00"},
                          {"2010-12-01 08:26:00.5", "2010-12-01 08:26:00.5"},
                          {"2010-12-01T08:26:00Z", "2010-12-01 08:26:00"},
                          {"2010-12-01 08:26:00+05:30", "2010-12-01 08:26:00"},
                          {"2010-12-01", "2010-12-01 00:00:00"},
                          {"1-2-99", "1999-01-02 00:00:00"},
                          {"1/2/69", "2069-01-02 00:00:00"},
                          {"8-Jan-1999 12:30 AM", "1999-01-08 00:30:00"},
                          {"January 8, 1999 04:05:06 PM", "1999-01-08 16:05:06"},
                          {"20101201 082600", "!22007"},
                          {"20101201T082600", "2010-12-01 08:26:00"},
                          {"2010-12-01 24:00:00", "2010-12-02 00:00:00"},
                          {"0044-03-15 12:00 BC", "0044-03-15 12:00:00 BC"},
                          {"infinity", "infinity"},
                          {"13/1/2010 8:26", "!22008"},
                          {"2/29/2011", "!22008"},
                          {"2010-12-01 25:00", "!22008"},
                          {"2010-12-01 08:60", "!22008"},
                          {"hello", "!22007"},
                          {"", "!22007"},
                          {"8:26", "!22007"},
                          {"2010-12", "!22007"},
                          {NULL, NULL}});
    check(&(struct dm_type){.id = DUCKDB_TYPE_TIMESTAMP_TZ},
          (struct pair[]){{"2010-12-01 08:26:00+02", "2010-12-01 06:26:00+00"},
                          {"2010-12-01 08:26:00-0330", "2010-12-01 11:56:00+00"},
                          {NULL, NULL}});
    check(&(struct dm_type){.id = DUCKDB_TYPE_DATE},
          (struct pair[]){{"2010-12-01 +00", "2010-12-01"},
                          {"12/31/2010", "2010-12-31"},
                          {"19991231", "1999-12-31"},
                          {"31/12/2010", "!22008"},
                          {NULL, NULL}});
    check(&(struct dm_type){.id = DUCKDB_TYPE_INTERVAL},
          (struct pair[]){{"1 year 2 mons -3 days 04:05:06.7", "1 year 2 mons -3 days +04:05:06.7"},
                          {"P1Y2M3DT4H5M6S", "1 year 2 mons 3 days 04:05:06"},
                          {"90 minutes", "01:30:00"},
                          {"3 days ago", "-3 days"},
                          {"1.5 days", "1 day 12:00:00"},
                          {"1-2", "1 year 2 mons"},
                          {"-1:30", "-01:30:00"},
                          {"soon", "!22007"},
                          {NULL, NULL}});
}

static void bytes_and_identifiers(void)
{
    check(&(struct dm_type){.id = DUCKDB_TYPE_BLOB}, (struct pair[]){{"\\x00fF", "\\x00ff"},
                                                                     {"a\\\\b\\001", "\\x615c6201"},
                                                                     {"\\x0", "!22023"},
                                                                     {"\\9", "!22P02"},
                                                                     {NULL, NULL}});
    check(&(struct dm_type){.id = DUCKDB_TYPE_UUID},
          (struct pair[]){
              {"{12345678-1234-5678-9ABC-123456789ABC}", "12345678-1234-5678-9abc-123456789abc"},
              {"1234567812345678 9abc123456789abc", "!22P02"},
              {"1234", "!22P02"},
              {NULL, NULL}});
    check(&(struct dm_type){.id = DUCKDB_TYPE_VARCHAR},
          (struct pair[]){{"caf\xc3\xa9", "caf\xc3\xa9"}, {"caf\xe9", "!22021"}, {NULL, NULL}});
}

static void arrays(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    struct dm_cell cell;
    const struct dm_type *t = dm_type_of_oid(&a, 1007);
    T_TRY(dm_parse_text(&a, t, DM_STR(" {1, NULL ,3} "), &cell, &err), err);
    T_INT(cell.n_items, 3);
    T_OK(cell.items[1].null);
    T_INT(cell.items[2].v.i32, 3);
    const struct dm_type *texts = dm_type_of_oid(&a, 1009);
    T_TRY(dm_parse_text(&a, texts, DM_STR("{\"a \\\"b\\\"\",\"null\",x y }"), &cell, &err), err);
    T_DMSTR(cell.items[0].bytes, "a \"b\"");
    T_OK(!cell.items[1].null);
    T_DMSTR(cell.items[2].bytes, "x y");
    T_TRY(dm_parse_text(&a, t, DM_STR("{}"), &cell, &err), err);
    T_INT(cell.n_items, 0);
    static const char *const bad[] = {"", "1,2", "{1,2", "{1,,2}", "{1}x", "{1,x}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        T_INT(dm_parse_text(&a, t, dm_str_c(bad[i]), &cell, &err), DM_E_DATA);
        T_STR(err.sqlstate, "22P02");
    }
}

static void binary_values(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    struct dm_cell cell;
    struct dm_type bigint = {.id = DUCKDB_TYPE_BIGINT};
    struct dm_type money = {.id = DUCKDB_TYPE_DECIMAL, .width = 8, .scale = 3};
    struct dm_type date = {.id = DUCKDB_TYPE_DATE};
    T_TRY(dm_parse_binary(&a, &bigint, DM_OID_INT4, dm_str_n("\xff\xff\xff\xfe", 4), &cell, &err),
          err);
    T_INT(cell.v.i64, -2);
    /* 12.345 = 12 * 10000^0 + 3450 * 10000^-1 */
    T_TRY(
        dm_parse_binary(&a, &money, 0, dm_str_n("\0\2\0\0\0\0\0\3\0\x0c\x0d\x7a", 12), &cell, &err),
        err);
    T_INT(cell.v.i32, 12345);
    /* 20000 = 2 * 10000^1 */
    T_TRY(dm_parse_binary(&a, &money, 0, dm_str_n("\0\1\0\1\x40\0\0\0\0\2", 10), &cell, &err), err);
    T_INT(cell.v.i32, -20000000);
    /* 0.0012 = 12 * 10000^-1 */
    T_TRY(dm_parse_binary(&a, &money, 0, dm_str_n("\0\1\xff\xff\0\0\0\4\0\x0c", 10), &cell, &err),
          err);
    T_INT(cell.v.i32, 1);
    T_TRY(dm_parse_binary(&a, &date, 0, dm_str_n("\0\0\0\1", 4), &cell, &err), err);
    T_INT(cell.v.i32, 10958);
    T_INT(dm_parse_binary(&a, &date, 0, dm_str_n("\0\0\1", 3), &cell, &err), DM_E_DATA);
    T_STR(err.sqlstate, "22P03");
    T_INT(dm_parse_binary(&a, &money, 0, dm_str_n("\0\5\0\0\0\0\0\3", 8), &cell, &err), DM_E_DATA);
}

T_MAIN(T_CASE(numbers), T_CASE(dates_are_month_day_year), T_CASE(bytes_and_identifiers),
       T_CASE(arrays), T_CASE(binary_values))
