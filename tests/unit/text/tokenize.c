/* text/tokenize.h: the tokens, and the rule of the fast scan that follows from them. */
#include "text/tokenize.h"
#include "base/str.h"
#include "t.h"
#include "text/scan.h"

static const char *joined(const char *text, bool clean)
{
    static char out[512];
    struct dm_text_tokens t = {0};
    size_t n = 0;
    dm_text_tokenize((const uint8_t *)text, strlen(text), &t);
    out[0] = '\0';
    for (size_t i = 0; i < t.n; i++)
        if (!clean || !t.items[i].stop)
            n += (size_t)snprintf(out + n, sizeof(out) - n, "[%.*s]", (int)t.items[i].len,
                                  (const char *)t.lower.p + t.items[i].at);
    dm_text_tokens_release(&t);
    return out;
}

static void tokens_are_cut_as_by_java_split(void)
{
    T_STR(joined("", false), "[]");
    T_STR(joined("   ", false), "");
    T_STR(joined(" a\t\nB ", false), "[][a][][b]");
    T_STR(joined("a\xC2\xA0z", false), "[a\xC2\xA0z]");
}

static void stop_words_are_removed_in_any_case(void)
{
    T_STR(joined("The film IS good", true), "[film][good]");
    T_STR(joined("don't won't isn't x", true), "[x]");
}

static void lower_case_is_that_of_java_17(void)
{
    T_STR(joined("\xC4\xB0", false), "[i\xCC\x87]"); /* dotted I: two characters */
    T_STR(joined("\xCE\x91\xCE\xA3 \xCE\xA3", false),
          "[\xCE\xB1\xCF\x82][\xCF\x83]"); /* final sigma */
    T_STR(joined("A\xCE\xA3.\xCE\x91", false), "[a\xCF\x83.\xCE\xB1]");
    T_STR(joined("\xE2\xB0\xAF", false), "[\xE2\xB0\xAF]"); /* U+2C2F is of Unicode 14 */
    T_STR(joined("\xFF", false), "[\xEF\xBF\xBD]");
}

static uint64_t seed = 88172645463325252;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static void the_fast_rule_agrees_with_the_tokens(void)
{
    static const char *const pieces[] = {
        "good",
        "GooD",
        "goo",
        "ood",
        "g",
        "o",
        "d",
        " ",
        "\t",
        "\n",
        "\v",
        "\f",
        "\r",
        ".",
        "\"",
        "a",
        "\xC2\xA0",
        "\xC2\x85",
        "\xE2\x80\xA8",
        "\xE3\x80\x80",
        "\xC4\xB0",
        "\xE2\x84\xAA",
        "\xCE\xA3",
        "\xEF\xBD\x87",
        "\x1C",
        "the ",
        "not ",
        "really long words between ",
        "\xFF",
    };
    struct dm_text_bytes b = {0};
    struct dm_text_tokens t = {0};
    dm_text_bytes_room(&b, 1);
    for (int round = 0; round < 20000; round++) {
        b.len = 0;
        for (uint64_t n = next_random() % 24; n; n--) {
            const char *piece = pieces[next_random() % (sizeof(pieces) / sizeof(pieces[0]))];
            dm_text_bytes_add(&b, piece, strlen(piece));
        }
        dm_text_tokenize(b.p, b.len, &t);
        bool want = dm_text_tokens_positive(&t);
        if (dm_text_scan_best()->positive(b.p, b.len) != want ||
            dm_text_scan_portable.positive(b.p, b.len) != want)
            t_fail(__FILE__, __LINE__, "|%.*s| is %d by its tokens", (int)b.len, (char *)b.p, want);
    }
    dm_text_bytes_release(&b);
    dm_text_tokens_release(&t);
}

T_MAIN(T_CASE(tokens_are_cut_as_by_java_split), T_CASE(stop_words_are_removed_in_any_case),
       T_CASE(lower_case_is_that_of_java_17), T_CASE(the_fast_rule_agrees_with_the_tokens))
