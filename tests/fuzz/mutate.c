/*
 * A mutator for where libFuzzer is not: inputs of the corpus with bytes left out, doubled, exchanged, put in from the
 * dictionary or from another input.  It sees no coverage, so it stays near the corpus; its sequence follows from the
 * seed, so a finding can be had again.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "driver.h"

enum { INPUT_MAX = 4096, CHANGES_MAX = 6, PIECES_MAX = 512, CLOCK_EVERY = 64 };

/* The bytes between quotes of each line of a libFuzzer dictionary, with \xNN, \\ and \" undone. */
static struct dm_str piece_of(struct dm_arena *a, struct dm_str line)
{
    ptrdiff_t from = dm_str_find(line, DM_STR("\""), 0);
    char *to = dm_arena_alloc(a, line.len + 1);
    size_t n = 0;
    if (from < 0 || line.p[0] == '#')
        return (struct dm_str){0};
    for (size_t i = (size_t)from + 1; i < line.len && line.p[i] != '"'; i++) {
        char hex[3] = {0};
        if (line.p[i] == '\\' && i + 3 < line.len && line.p[i + 1] == 'x') {
            memcpy(hex, line.p + i + 2, 2);
            to[n++] = (char)strtoul(hex, NULL, 16);
            i += 3;
        } else {
            i += line.p[i] == '\\' && i + 1 < line.len;
            to[n++] = line.p[i];
        }
    }
    return dm_str_n(to, n);
}

static size_t read_pieces(struct dm_arena *a, struct dm_str dictionary,
                          struct dm_str pieces[PIECES_MAX])
{
    size_t n = 0;
    struct dm_str line;
    while (n < PIECES_MAX && dm_str_split(&dictionary, '\n', &line)) {
        pieces[n] = line.len ? piece_of(a, line) : (struct dm_str){0};
        n += pieces[n].len > 0;
    }
    return n;
}

struct input {
    char bytes[INPUT_MAX];
    size_t len;
};

/* Puts `piece` in place of `cut` bytes at `at`; nothing where it does not fit. */
static void put_in(struct input *in, size_t at, size_t cut, struct dm_str piece)
{
    if (in->len - cut + piece.len > INPUT_MAX)
        return;
    memmove(in->bytes + at + piece.len, in->bytes + at + cut, in->len - at - cut);
    if (piece.len)
        memcpy(in->bytes + at, piece.p, piece.len);
    in->len += piece.len - cut;
}

static struct dm_str some_of(struct dm_rng *r, struct dm_str s, size_t most)
{
    if (!s.len)
        return s;
    size_t at = dm_rng_below(r, s.len), n = 1 + dm_rng_below(r, most);
    return dm_str_sub(s, at, at + n < s.len ? at + n : s.len);
}

static void change(struct dm_rng *r, struct input *in, const struct fuzz_corpus *c,
                   const struct dm_str *pieces, size_t n_pieces)
{
    size_t at = dm_rng_below(r, in->len + 1), cut = dm_rng_below(r, 12);
    char byte = (char)dm_rng_below(r, 256), copy[64];
    if (cut > in->len - at)
        cut = in->len - at;
    struct dm_str piece = {0};
    switch (dm_rng_below(r, 6)) {
    case 0: /* leave a part out */
        break;
    case 1: /* another byte */
        cut = cut > 0;
        piece = dm_str_n(&byte, 1);
        break;
    case 2: /* a part of itself */
        piece = some_of(r, dm_str_n(in->bytes, in->len), sizeof(copy));
        if (piece.len)
            memcpy(copy, piece.p, piece.len);
        piece.p = copy;
        cut = 0;
        break;
    case 3: /* a part of another input */
        piece = some_of(r, c->inputs[dm_rng_below(r, c->n)], 64);
        break;
    default: /* a word of the language */
        if (n_pieces)
            piece = pieces[dm_rng_below(r, n_pieces)];
        cut = dm_rng_chance(r, 500) ? cut : 0;
    }
    put_in(in, at, cut, piece);
}

/* The current input is in a file that survives this process. */
static bool keep_input(int fd, const struct input *in)
{
    return pwrite(fd, in->bytes, in->len, 0) == (ssize_t)in->len &&
           ftruncate(fd, (off_t)in->len) == 0;
}

int fuzz_mutate(const struct fuzz_corpus *c, struct dm_str dictionary, uint64_t seed,
                int64_t seconds, const char *out)
{
    _cleanup_arena_ struct dm_arena a = {0};
    static struct dm_str pieces[PIECES_MAX];
    struct dm_rng r = {seed};
    size_t n_pieces = read_pieces(&a, dictionary, pieces), done = 0;
    static struct input in;
    _cleanup_close_ int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int64_t start = dm_clock_monotonic(), now = start;
    while (now - start < seconds * 1000000) {
        struct dm_str from = c->inputs[dm_rng_below(&r, c->n)];
        in.len = from.len < INPUT_MAX ? from.len : INPUT_MAX;
        if (in.len)
            memcpy(in.bytes, from.p, in.len);
        for (size_t n = 1 + dm_rng_below(&r, CHANGES_MAX); n; n--)
            change(&r, &in, c, pieces, n_pieces);
        if (!keep_input(fd, &in)) {
            fprintf(stderr, "could not write %s\n", out);
            return 1;
        }
        fuzz_run(dm_str_n(in.bytes, in.len));
        if (++done % CLOCK_EVERY == 0)
            now = dm_clock_monotonic();
    }
    unlink(out);
    printf("%zu inputs, no finding\n", done);
    return 0;
}
