/*
 * Java 17's toLowerCase().
 *
 * One character becomes one character by the table, except U+0130 (two) and a sigma that ends a word.  Java does
 * not use Unicode's rule for the latter but its own word breaker: a sigma is final where its word holds a cased
 * letter before it and none behind it.  A word is letters with single marks like ' and . between them, glued to
 * numbers that touch it; combining and format characters belong to what stands before them.
 */
#include "text/lower.h"
#include "text/utf8.h"

struct lower_run {
    uint32_t first, last, step; /* step 2: every other code point */
    int32_t distance;
};

enum {
    CASED = 1,
    IGNORED = 2,
    LETTER = 4,
    DIGIT = 8,
    MID_WORD = 16,
    MID_NUMBER = 32,
    BEFORE_NUMBER = 64,
    AFTER_NUMBER = 128
};

struct class_range {
    uint32_t first, last;
    uint8_t classes;
};

#include "text/lower_table.h"

enum {
    SIGMA = 0x3A3,
    SMALL_SIGMA = 0x3C3,
    FINAL_SIGMA = 0x3C2,
    I_WITH_DOT = 0x130,
    DOT_ABOVE = 0x307
};

static uint32_t lower_one(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    size_t from = 0, to = sizeof(lower_runs) / sizeof(lower_runs[0]);
    while (from < to) {
        size_t mid = (from + to) / 2;
        const struct lower_run *r = &lower_runs[mid];
        if (cp > r->last)
            from = mid + 1;
        else if (cp < r->first)
            to = mid;
        else
            return (cp - r->first) % r->step ? cp : (uint32_t)((int64_t)cp + r->distance);
    }
    return cp;
}

static unsigned classes_of(uint32_t cp)
{
    size_t from = 0, to = sizeof(class_ranges) / sizeof(class_ranges[0]);
    while (from < to) {
        size_t mid = (from + to) / 2;
        if (cp > class_ranges[mid].last)
            from = mid + 1;
        else if (cp < class_ranges[mid].first)
            to = mid;
        else
            return class_ranges[mid].classes;
    }
    return 0;
}

/* A stretch of text without white space, one entry a character. */
struct letters {
    uint8_t *classes;
    size_t n;
};

/* Behind the letters or digits from i on, each with what is ignored behind it; i where there is none. */
static size_t skip_all(const struct letters *t, size_t i, unsigned class)
{
    while (i < t->n && t->classes[i] & class)
        for (i++; i < t->n && t->classes[i] & IGNORED;)
            i++;
    return i;
}

static size_t skip_one(const struct letters *t, size_t i, unsigned class)
{
    return i < t->n && t->classes[i] & class ? i + 1 : i;
}

/* X+ (mark X+)*: letters or digits with single marks inside. */
static size_t skip_marked(const struct letters *t, size_t i, unsigned class, unsigned mark)
{
    size_t end = skip_all(t, i, class);
    while (end > i) {
        size_t behind_mark = skip_one(t, end, mark);
        size_t more = skip_all(t, behind_mark, class);
        if (behind_mark == end || more == behind_mark)
            break;
        end = more;
    }
    return end;
}

/* Java's longest word from i on. */
static size_t word_end(const struct letters *t, size_t i)
{
    size_t end = skip_marked(t, i, LETTER, MID_WORD);
    if (end == i)
        end = skip_one(t, i, BEFORE_NUMBER);
    for (;;) {
        size_t number = skip_marked(t, end, DIGIT, MID_NUMBER);
        if (number == end)
            break;
        end = skip_marked(t, number, LETTER, MID_WORD);
        if (end == number) {
            end = skip_one(t, number, AFTER_NUMBER);
            break;
        }
    }
    if (end == i) /* a character of its own */
        for (end = i + 1; end < t->n && t->classes[end] & IGNORED;)
            end++;
    return end;
}

static int sigma_is_final(const struct letters *t, size_t at)
{
    size_t start = 0, end = 0;
    while (end <= at) {
        start = end;
        end = word_end(t, start);
    }
    int before = 0;
    for (size_t i = start; i < at; i++)
        before |= t->classes[i] & CASED;
    for (size_t i = at + 1; i < end; i++)
        if (t->classes[i] & CASED)
            return 0;
    return before;
}

static int is_space(uint32_t cp)
{
    return cp <= ' ' || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

/* The stretch between white space around `at`: words never reach further. */
static int final_sigma_at(const uint8_t *p, size_t n, size_t at)
{
    size_t from = 0, index = 0;
    for (size_t i = 0; i < at;) {
        unsigned used;
        if (is_space(dm_text_utf8_next(p + i, p + n, &used)))
            from = i + used;
        i += used;
    }
    struct letters t = {dm_text_realloc(NULL, n - from), 0};
    for (size_t i = from; i < n;) {
        unsigned used;
        uint32_t cp = dm_text_utf8_next(p + i, p + n, &used);
        if (is_space(cp))
            break;
        if (i == at)
            index = t.n;
        t.classes[t.n++] = (uint8_t)classes_of(cp);
        i += used;
    }
    int final = sigma_is_final(&t, index);
    free(t.classes);
    return final;
}

void dm_text_lower(struct dm_text_bytes *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned used;
        uint32_t cp = dm_text_utf8_next(p + i, p + n, &used);
        if (cp == I_WITH_DOT) {
            dm_text_utf8_put(out, 'i');
            dm_text_utf8_put(out, DOT_ABOVE);
        } else if (cp == SIGMA) {
            dm_text_utf8_put(out, final_sigma_at(p, n, i) ? FINAL_SIGMA : SMALL_SIGMA);
        } else {
            dm_text_utf8_put(out, lower_one(cp));
        }
        i += used;
    }
}
