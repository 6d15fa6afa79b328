/* lang/regexp.h: the answers are those of Python's re.search. */
#include "lang/regexp.h"

#include "t.h"

static bool search(const char *pattern, const char *text)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const struct dm_regexp *re;
    struct dm_err err;
    if (dm_regexp_parse(&a, dm_str_c(pattern), &re, &err) < 0) {
        t_fail(__FILE__, __LINE__, "%s", err.message);
        return false;
    }
    return dm_regexp_search(re, dm_str_c(text));
}

static void it_finds_what_python_finds(void)
{
    static const struct {
        const char *pattern, *text;
        bool found;
    } cases[] = {
        {"abc", "abc", true},
        {"abc", "abcd", true},
        {"abc", "abab", false},
        {"abc", "]", false},
        {"a.c", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", true},
        {"a.c", "abc", true},
        {"a.c", "aaab", false},
        {"a.c", "aaa", false},
        {"^a", "abc", true},
        {"^a", "abab", true},
        {"^a", "é9", false},
        {"^a", "äää", false},
        {"c$", "abc", true},
        {"c$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", true},
        {"c$", "a-b", false},
        {"c$", "x.py", false},
        {"^$", "", true},
        {"^$", "\n", true},
        {"^$", "äää", false},
        {"^$", "xyz", false},
        {"a|b", "abc", true},
        {"a|b", "foobar", true},
        {"a|b", "x.py", false},
        {"a|b", "äää", false},
        {"(a|b)+c", "abcd", true},
        {"(a|b)+c", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", true},
        {"(a|b)+c", "x.py", false},
        {"(a|b)+c", "a-b", false},
        {"a{2,3}$", "aaa", true},
        {"a{2,3}$", "aaaaaaaaaaaaaaaaaaaa", true},
        {"a{2,3}$", "me@example.org", false},
        {"a{2,3}$", "xy", false},
        {"^a{2}$", "xzzz", false},
        {"^a{2}$", "Hello", false},
        {"^(?:ab)*$", "ab", true},
        {"^(?:ab)*$", "\n", true},
        {"^(?:ab)*$", "x.pyc", false},
        {"^(?:ab)*$", "foo bar", false},
        {"\\d+", "a1_", true},
        {"\\d+", "12-x", true},
        {"\\d+", "где", false},
        {"\\d+", "x.py", false},
        {"^\\w+$", "abcbcd", true},
        {"^\\w+$", "foobar", true},
        {"^\\w+$", "   ", false},
        {"^\\w+$", "-x", false},
        {"\\bfoo\\b", "foo bar", true},
        {"\\bfoo\\b", "]", false},
        {"\\bfoo\\b", "a{x}", false},
        {"\\Bo", "foobar", true},
        {"\\Bo", "foo bar", true},
        {"\\Bo", "   ", false},
        {"\\Bo", "x.pyc", false},
        {"[a-c]+", "a\nc", true},
        {"[a-c]+", "ab", true},
        {"[a-c]+", "hello", false},
        {"[a-c]+", "xy", false},
        {"[^a-c]", "a{x}", true},
        {"[^a-c]", "xzzz", true},
        {"[^a-c]", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false},
        {"[^a-c]", "aaaaaaaaaaaaaaaaaaaa", false},
        {"[]a]", "abcd", true},
        {"[]a]", "aaa", true},
        {"[]a]", "AB", false},
        {"[]a]", "Hello", false},
        {"[a\\-z]", "abcbcd", true},
        {"[a\\-z]", "abab", true},
        {"[a\\-z]", "]", false},
        {"[a\\-z]", "1x", false},
        {"^[\\w.-]+@[\\w.-]+\\.\\w+$", "me@example.org", true},
        {"^[\\w.-]+@[\\w.-]+\\.\\w+$", "äää", false},
        {"^[\\w.-]+@[\\w.-]+\\.\\w+$", "Hello", false},
        {"(?i)HELLO", "Hello", true},
        {"(?i)HELLO", "hello", true},
        {"(?i)HELLO", "abcbcd", false},
        {"(?i)HELLO", "xyz", false},
        {"(?s)a.b", "a\nb", true},
        {"(?s)a.b", "aab", true},
        {"(?s)a.b", "ab", false},
        {"(?s)a.b", "äää", false},
        {"(?m)^b$", "b\n", true},
        {"(?m)^b$", "a\nb", true},
        {"(?m)^b$", "abab", false},
        {"(?m)^b$", "   ", false},
        {"^.{3}$", "aaa", true},
        {"^.{3}$", "äää", true},
        {"^.{3}$", "x.pyc", false},
        {"^.{3}$", "", false},
        {"a{,2}b", "abc", true},
        {"a{,2}b", "foo bar", true},
        {"a{,2}b", "xy", false},
        {"a{,2}b", "aaa", false},
        {"a{x}", "a{x}", true},
        {"a{x}", "x.pyc", false},
        {"a{x}", "abc", false},
        {"x*y?z+?", "xzzz", true},
        {"x*y?z+?", "xyz", true},
        {"x*y?z+?", "abcbcd", false},
        {"x*y?z+?", "foobar", false},
        {"\\Aab\\Z", "ab", true},
        {"\\Aab\\Z", "aaa", false},
        {"\\Aab\\Z", "x.py", false},
        {"^ä+$", "äää", true},
        {"^ä+$", "a{x}", false},
        {"^ä+$", "x.py", false},
        {"[а-я]", "где", true},
        {"[а-я]", "AB", false},
        {"[а-я]", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false},
        {"\\.py$", "x.py", true},
        {"\\.py$", "abcbcd", false},
        {"\\.py$", "", false},
        {"(a*)*b", "foo bar", true},
        {"(a*)*b", "abc", true},
        {"(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false},
        {"(a*)*b", "xyz", false},
        {"(a|ab)(c|bcd)(d*)$", "abcd", true},
        {"(a|ab)(c|bcd)(d*)$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", true},
        {"(a|ab)(c|bcd)(d*)$", "x.py", false},
        {"(a|ab)(c|bcd)(d*)$", "abab", false},
        {"^\\s*$", "   ", true},
        {"^\\s*$", "", true},
        {"^\\s*$", "a{x}", false},
        {"^\\s*$", "xyz", false},
        {"\\x41\\u0042", "AB", true},
        {"\\x41\\u0042", "ab", false},
        {"\\x41\\u0042", "hello", false},
        {"^(a?){20}a{20}$", "aaaaaaaaaaaaaaaaaaaa", true},
        {"^(a?){20}a{20}$", "a\nc", false},
        {"^(a?){20}a{20}$", "1x", false},
        {"^[^\\W\\d]+$", "abcd", true},
        {"^[^\\W\\d]+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", true},
        {"^[^\\W\\d]+$", "me@example.org", false},
        {"^[^\\W\\d]+$", "a{x}", false},
        {"a||b", "a\nc", true},
        {"a||b", "abab", true},
        {"(|a)b$", "a-b", true},
        {"(|a)b$", "a\nb", true},
        {"(|a)b$", "xzzz", false},
        {"(|a)b$", "é9", false},
        {"(?P<n>x)y", "xy", true},
        {"(?P<n>x)y", "xyz", true},
        {"(?P<n>x)y", "é9", false},
        {"(?P<n>x)y", "a\nb", false},
        {"^\\S+$", "hello", true},
        {"^\\S+$", "где", true},
        {"^\\S+$", "a\nb", false},
        {"^\\S+$", "\n", false},
        {"[\\d-]x", "12-x", true},
        {"[\\d-]x", "-x", true},
        {"[\\d-]x", "me@example.org", false},
        {"[\\d-]x", "]", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (search(cases[i].pattern, cases[i].text) != cases[i].found)
            t_fail(__FILE__, __LINE__, "%s in \"%s\": %d", cases[i].pattern, cases[i].text,
                   !cases[i].found);
}

static const char *wrong(struct dm_arena *a, const char *pattern)
{
    const struct dm_regexp *re;
    struct dm_err err;
    if (dm_regexp_parse(a, dm_str_c(pattern), &re, &err) == 0)
        return "";
    return dm_arena_strdup(a, err.message);
}

static void what_it_cannot_do_is_said(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    T_HAS(wrong(&a, "(a"), "at character 1: the group is not closed");
    T_HAS(wrong(&a, "a)"), "at character 2: a group is closed that was not opened");
    T_HAS(wrong(&a, "*a"), "there is nothing to repeat");
    T_HAS(wrong(&a, "a**"), "a repeat is repeated");
    T_HAS(wrong(&a, "[a"), "the set is not closed");
    T_HAS(wrong(&a, "[z-a]"), "a range goes backwards");
    T_HAS(wrong(&a, "a{3,2}"), "the least number is larger");
    T_HAS(wrong(&a, "(?=a)"), "this kind of group is not supported");
    T_HAS(wrong(&a, "(a)\\1"), "references to groups are not supported");
    T_HAS(wrong(&a, "\\q"), "there is no such escape");
    T_HAS(wrong(&a, "a\\"), "a backslash at the end");
    T_HAS(wrong(&a, "((a{1000}){1000}){1000}"), "has more than 20000 steps");
    T_STR(wrong(&a, "((){19999}){19999}"), "");
}

/* An engine that tries one way after the other would not come back. */
static void it_ends_on_the_worst_of_expressions(void)
{
    struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (int i = 0; i < 5000; i++)
        dm_strbuf_addc(&b, 'a');
    T_OK(search("^(a+)+$|(a|aa)+b|(.*)*x", b.p));
    dm_strbuf_addc(&b, '!');
    T_OK(!search("^(a+)+$|(a|aa)+b|(.*)*x", b.p));
    dm_strbuf_release(&b);
}

T_MAIN(T_CASE(it_finds_what_python_finds), T_CASE(what_it_cannot_do_is_said),
       T_CASE(it_ends_on_the_worst_of_expressions))
