/* text/spark_line.h: lines as univocity cuts them. */
#include "text/spark_line.h"
#include "t.h"

static const char *split(const char *line, const struct dm_spark_keep *keep)
{
    static char out[512];
    struct dm_spark_fields f = {0};
    size_t n = 0;
    out[0] = '\0';
    if (!dm_spark_split((const uint8_t *)line, strlen(line), keep, &f))
        return "too many";
    for (size_t i = 0; i < f.n; i++) {
        struct dm_spark_value v = dm_spark_field(&f, i);
        n += (size_t)snprintf(out + n, sizeof(out) - n, "[%.*s]", (int)v.len, (const char *)v.p);
    }
    dm_spark_fields_release(&f);
    return out;
}

static void quotes_and_escapes(void)
{
    static const char *const cases[][2] = {
        {"1,\"a,b\"", "[1][a,b]"},
        {"1,", "[1][]"},
        {"1,\"\"", "[1][]"},
        {"1,\"say \"\"hi, there\"\" now\",z", "[1][\"say \"\"hi][ there\"\" now\"][z]"},
        {"1,\"say \\\"hi, there\\\" now\",z", "[1][say \"hi, there\" now][z]"},
        {"1,\"end\\\\\",z", "[1][end\\][z]"},
        {"1,\"end\\\",z", "[1][end\",z]"},
        {"1,\"open,z", "[1][open,z]"},
        {"1,\"", "[1][\"]"},
        {"1,\"abc\" ,z", "[1][abc][z]"},
        {"1,\"abc\"  x,z", "[1][\"abc\"  x][z]"},
        {"1,unq\\,esc,z", "[1][unq\\][esc][z]"},
        {"1,\"x\"\"\\\\y\",z", "[1][x\"\"\\yz]"}, /* a delimiter is eaten */
        {"1,\"a\"\",\"\"b\",z", "[1][a\"][\"\"b\"][z]"},
        {"\"\" \xC2\xA0\" x", "[\"\" \xC2\xA0\" x\"]"}, /* the line's end adds a quote */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        T_STR(split(cases[i][0], NULL), cases[i][1]);
}

static void a_pruned_column_ends_at_its_first_free_quote(void)
{
    static const uint8_t wanted[] = {1, 0, 1};
    const struct dm_spark_keep keep = {wanted, 3};
    T_STR(split("1,\"a\\\\\",good", NULL), "[1][a\\][good]");
    T_STR(split("1,\"a\\\\\"x\",good\"", &keep), "[1][][good\"]");
}

static void columns_are_limited(void)
{
    static char line[DM_SPARK_COLUMNS_MAX + 1];
    struct dm_spark_fields f = {0};
    memset(line, ',', sizeof(line));
    T_OK(dm_spark_split((uint8_t *)line, DM_SPARK_COLUMNS_MAX - 1, NULL, &f));
    T_INT(f.n, DM_SPARK_COLUMNS_MAX);
    T_OK(!dm_spark_split((uint8_t *)line, DM_SPARK_COLUMNS_MAX, NULL, &f));
    dm_spark_fields_release(&f);
}

T_MAIN(T_CASE(quotes_and_escapes), T_CASE(a_pruned_column_ends_at_its_first_free_quote),
       T_CASE(columns_are_limited))
