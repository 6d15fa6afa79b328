/*
 * Spark's Tokenizer and StopWordsRemover with their defaults, and the answer that the classification derives from
 * them: a review is positive where the token "good" is left.
 *
 * This is the definition.  The fast path uses the rule that follows from it (`dm_text_is_positive`): no letter
 * outside ASCII becomes one of "good" in lower case, none of the stop words is "good", and the tokens are cut at the
 * six ASCII spaces only.  tests/unit/text/tokenize.c holds the two together.
 */
#ifndef DM_TEXT_TOKENIZE_H
#define DM_TEXT_TOKENIZE_H

#include "text/bytes.h"

#include <stdbool.h>

struct dm_text_token {
    size_t at, len; /* in `lower` */
    bool stop;      /* removed by the StopWordsRemover */
};

struct dm_text_tokens {
    struct dm_text_bytes lower;
    struct dm_text_token *items;
    size_t n, cap;
};

/* Replaces what `ret` holds (start with a zeroed one). */
void dm_text_tokenize(const uint8_t *p, size_t n, struct dm_text_tokens *ret);
void dm_text_tokens_release(struct dm_text_tokens *t);
/* array_contains(clean, "good") */
bool dm_text_tokens_positive(const struct dm_text_tokens *t);

#endif
