/* task/pattern.h: Java's expressions over whole texts. */
#include "task/pattern.h"
#include "t.h"

static void patterns_match_the_whole_text(void)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {".*\\.csv", "s3://b/raw/movie.csv", true},
        {".*\\.csv", "s3://b/raw/movie.csv.gz", false},
        {"movie", "s3://b/movie", false},
        {".*part-\\d{5}.*", "s3://b/part-00012.parquet", true},
        {".*part-\\d{5}.*", "s3://b/part-0012.parquet", false},
        {"a|b", "b", true},
        {"a|b", "ab", false},
        {".*?/(?:movie|film)[\\w.]+", "s3://b/film_1.csv", true},
        {"[^\\d]+", "abc", true},
        {"[^\\d]+", "ab1", false},
        {"\\$x\\{1\\}", "$x{1}", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct dm_pattern p;
        struct dm_err err;
        T_TRY(dm_pattern_init(&p, cases[i].pattern, &err), err);
        if (dm_pattern_matches(&p, cases[i].text) != cases[i].matches)
            t_fail(__FILE__, __LINE__, "%s on %s: not %d", cases[i].pattern, cases[i].text,
                   cases[i].matches);
        dm_pattern_release(&p);
    }
}

static void what_posix_cannot_say_is_refused(void)
{
    static const char *const patterns[] = {"(?i)x",  "(?=x)y", "a*+b", "\\bword",
                                           "(a)\\1", "[a&&b]", "[a",   "(a"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        struct dm_pattern p;
        struct dm_err err = {0};
        T_OK(dm_pattern_init(&p, patterns[i], &err) < 0);
        T_HAS(err.message, patterns[i]);
    }
}

T_MAIN(T_CASE(patterns_match_the_whole_text), T_CASE(what_posix_cannot_say_is_refused))
