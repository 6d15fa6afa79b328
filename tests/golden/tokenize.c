/*
 * Kind `tokenize`: Spark's Tokenizer and StopWordsRemover, and the answer that the fast scan gives without them
 * (golden/spark/tokenize.jsonl).
 */
#include "golden.h"

#include "text/scan.h"
#include "text/tokenize.h"

static const struct dm_value *tokens_of(struct dm_arena *a, const struct dm_text_tokens *t,
                                        bool clean)
{
    struct dm_value *list = dm_value_list(a, 0);
    for (size_t i = 0; i < t->n; i++) {
        struct dm_str s = {(const char *)t->lower.p + t->items[i].at, t->items[i].len};
        if (!clean || !t->items[i].stop)
            dm_list_add(a, list, dm_value_str(a, dm_str_dup(a, s)));
    }
    return list;
}

/* What the text says by the rule of the fast scan, both builds. */
static bool fast(struct dm_str text, bool *ret_same)
{
    struct dm_text_bytes b = {0};
    dm_text_bytes_room(&b, 1);
    dm_text_bytes_add(&b, text.p, text.len);
    bool best = dm_text_scan_best()->positive(b.p, b.len);
    *ret_same = best == dm_text_scan_portable.positive(b.p, b.len);
    dm_text_bytes_release(&b);
    return best;
}

static enum golden_verdict run(struct golden_case *c)
{
    static const char *const keys[] = {"tokens", "clean", "positive"};
    struct dm_arena *a = c->arena;
    struct dm_str text = dm_map_str(c->value, "text", "");
    struct dm_text_tokens t = {0};
    bool same;
    bool quick = fast(text, &same);
    dm_text_tokenize((const uint8_t *)text.p, text.len, &t);
    struct dm_value *got = dm_value_map(a), *want = dm_value_map(a);
    dm_map_set(a, got, "tokens", tokens_of(a, &t, false));
    dm_map_set(a, got, "clean", tokens_of(a, &t, true));
    dm_map_set(a, got, "positive", dm_value_bool(a, dm_text_tokens_positive(&t)));
    bool agree = same && quick == dm_text_tokens_positive(&t);
    dm_text_tokens_release(&t);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct dm_value *v = dm_map_at(c->value, keys[i]);
        dm_map_set(a, want, keys[i], v ? v : &dm_null);
    }
    c->expected = dm_value_json(a, want).p;
    c->got = agree ? dm_value_json(a, got).p : "the fast scan disagrees with the tokens";
    return agree && dm_value_equal(got, want) ? GOLDEN_PASS : GOLDEN_FAIL;
}

const struct golden_kind golden_tokenize = {"tokenize", run};
