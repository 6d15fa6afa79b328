/* Spark's Tokenizer (toLowerCase, split at \s, trailing empty tokens dropped) and StopWordsRemover. */
#include "text/tokenize.h"
#include "text/lower.h"

struct word {
    const char *p;
    size_t len;
};

static const struct word stop_words[] = {
#define DM_STOP_WORD(w) {w, sizeof(w) - 1},
#include "text/stopwords.def"
#undef DM_STOP_WORD
};

static bool is_stop_word(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < sizeof(stop_words) / sizeof(stop_words[0]); i++)
        if (stop_words[i].len == n && memcmp(stop_words[i].p, p, n) == 0)
            return true;
    return false;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void add(struct dm_text_tokens *t, size_t at, size_t len)
{
    if (t->n == t->cap) {
        t->cap = t->cap * 2 + 16;
        t->items = dm_text_realloc(t->items, t->cap * sizeof(*t->items));
    }
    t->items[t->n++] = (struct dm_text_token){at, len, is_stop_word(t->lower.p + at, len)};
}

void dm_text_tokenize(const uint8_t *p, size_t n, struct dm_text_tokens *ret)
{
    ret->n = ret->lower.len = 0;
    dm_text_bytes_room(&ret->lower, 1);
    dm_text_lower(&ret->lower, p, n);
    size_t from = 0, len = ret->lower.len;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && !is_space(ret->lower.p[i]))
            continue;
        add(ret, from, i - from);
        from = i + 1;
    }
    /* Java's split drops empty tokens at the end, but an empty text is one empty token. */
    while (len && ret->n && ret->items[ret->n - 1].len == 0)
        ret->n--;
}

bool dm_text_tokens_positive(const struct dm_text_tokens *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct dm_text_token *k = &t->items[i];
        if (!k->stop && k->len == 4 && memcmp(t->lower.p + k->at, "good", 4) == 0)
            return true;
    }
    return false;
}

void dm_text_tokens_release(struct dm_text_tokens *t)
{
    dm_text_bytes_release(&t->lower);
    free(t->items);
    *t = (struct dm_text_tokens){0};
}
