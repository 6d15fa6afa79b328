/* Regular expressions.  The first line is an expression, the rest the text that it is looked for in. */
#include "lang/regexp.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_str text = fuzz_text(data, size), pattern = fuzz_part(&text, '\n');
    struct dm_err err = {0};
    const struct dm_regexp *re, *grouped;
    if (!text.p)
        text = DM_STR("");
    int rc = dm_regexp_parse(&a, pattern, &re, &err);
    if (rc < 0) {
        fuzz_check_err(rc, &err);
        return 0;
    }
    bool found = dm_regexp_search(re, text);
    /* A group around it changes nothing, where it may stand there at all (global flags may not). */
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_strbuf_adds(&b, "(?:");
    dm_strbuf_addstr(&b, pattern);
    dm_strbuf_addc(&b, ')');
    if (dm_regexp_parse(&a, dm_strbuf_str(&b), &grouped, &err) == 0)
        FUZZ_CHECK(dm_regexp_search(grouped, text) == found, "\"%s\" in \"%.*s\": %d", b.p,
                   DM_FMT(text), found);
    return 0;
}
