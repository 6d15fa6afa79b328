/*
 * Generated sample data.
 *
 * Every number that has a distribution is drawn from a table of quantiles measured on the real files (5 % steps), a
 * uniform draw inside its step; so medians, tails and signs are right without floating point, and the bytes are the
 * same everywhere.
 */
#include "cmd/datagen.h"

#include "base/rng.h"
#include "base/time.h"

enum {
    INVOICES = 25900, /* of the real file, over 305 trading days */
    CUSTOMERS = 4372, /* who bought */
    CUSTOMER_MIN = 12346,
    CUSTOMER_MAX = 18287,
    REVIEW_CID_MAX = 14618, /* reviewers are 12346 … 14618: about 4 in 10 customers have reviews */
    ITEMS = 4070,
    REVIEWS = 100000,
    FIRST_INVOICE = 536365,
    QUANTILES = 21,
    ODDITIES = 5, /* kinds of odd item texts, see make_item */
    FLUSH = 1 << 20,
};

/* Of a real line: quantity where positive, price in thousandths, lines of an invoice, bytes of a review. */
static const int quantity_steps[QUANTILES] = {1, 1, 1, 1, 1,  1,  2,  2,  2,  3,  3,
                                              4, 5, 6, 8, 10, 12, 12, 16, 24, 120};
static const int price_steps[QUANTILES] = {120,  420,  630,  830,  850,  1250, 1250,
                                           1630, 1650, 1950, 2080, 2460, 2550, 2950,
                                           3750, 4130, 4950, 5790, 7950, 9950, 39950};
static const int lines_steps[QUANTILES] = {1,  1,  1,  1,  2,  3,  4,  6,  8,  10, 12,
                                           15, 17, 20, 24, 29, 37, 47, 62, 90, 180};
static const int review_steps[QUANTILES] = {120,  450,  590,  660,  710,  755,  800,
                                            850,  910,  975,  1050, 1150, 1270, 1410,
                                            1590, 1820, 2120, 2500, 2950, 3500, 6000};
/* Invoices by hour of the day, from 6:00, in thousandths. */
static const int hours[15] = {1, 2, 16, 63, 91, 106, 145, 133, 125, 143, 101, 53, 14, 5, 2};

static const char *const adjectives[] = {"WHITE",   "RED",   "VINTAGE", "GLASS",     "SMALL",
                                         "LARGE",   "RETRO", "WOODEN",  "FRENCH",    "CREAM",
                                         "ANTIQUE", "JUMBO", "PINK",    "BLUE",      "SET OF 6",
                                         "PACK OF", "FELT",  "METAL",   "FELTCRAFT", "CERAMIC"};
static const char *const nouns[] = {
    "HANGING HEART",  "LANTERN",       "COAT HANGER",   "HOT WATER BOTTLE",
    "T-LIGHT HOLDER", "HAND WARMER",   "BIRD ORNAMENT", "LUNCH BAG",
    "CAKE CASES",     "JIGSAW BLOCKS", "BUNTING",       "TEA TOWEL",
    "PHOTO FRAME",    "ALARM CLOCK",   "DOORMAT",       "STORAGE JAR"};
static const char *const endings[] = {"",        " ",       " UNION JACK", " RETROSPOT",
                                      " DESIGN", " IN BOX", " CHRISTMAS",  ", ASSORTED COLOURS"};
static const struct {
    const char *name;
    unsigned permille;
} countries[] = {{"Germany", 18},    {"France", 16},     {"EIRE", 15},
                 {"Spain", 5},       {"Netherlands", 4}, {"Belgium", 4},
                 {"Switzerland", 4}, {"Portugal", 3},    {"Channel Islands", 2}};
static const char *const words[] = {
    "the",      "a",      "and",       "of",           "to",     "is",     "it",       "in",
    "this",     "that",   "was",       "film",         "movie",  "story",  "plot",     "acting",
    "with",     "but",    "for",       "as",           "on",     "one",    "not",      "have",
    "are",      "you",    "be",        "from",         "at",     "they",   "his",      "her",
    "all",      "who",    "so",        "like",         "just",   "about",  "there",    "if",
    "or",       "has",    "what",      "very",         "time",   "really", "even",     "would",
    "scenes",   "great",  "character", "watching",     "bad",    "well",   "director", "first",
    "because",  "people", "end",       "comedy",       "horror", "script", "music",    "fun",
    "goodness", "goods",  "feel-good", "good-looking", "ending", "never",  "cast",     "worth"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int dm_datagen_scale(const char *text, uint64_t *ret_permille, struct dm_err *reterr)
{
    struct dm_str s = dm_str_c(text);
    ptrdiff_t dot = dm_str_find(s, DM_STR("."), 0);
    struct dm_str whole = dot < 0 ? s : dm_str_sub(s, 0, (size_t)dot);
    struct dm_str part = dot < 0 ? DM_STR("") : dm_str_sub(s, (size_t)dot + 1, s.len);
    int64_t units = 0, thousandths = 0;
    bool ok = (whole.len == 0 || dm_str_to_i64(whole, &units)) && part.len <= 3 &&
              (part.len == 0 || (part.p[0] >= '0' && dm_str_to_i64(part, &thousandths)));
    for (size_t i = part.len; i < 3; i++)
        thousandths *= 10;
    int64_t permille = units * 1000 + thousandths;
    if (!ok || units < 0 || units > 1000 || permille < 1 || permille > 1000000) {
        dm_err_set(reterr, DM_E_USAGE, "not a scale: \"%s\"", text);
        dm_err_hint(reterr,
                    "A scale is a number from 0.001 to 1000; 1 is as large as the real files.");
        return DM_E_USAGE;
    }
    *ret_permille = (uint64_t)permille;
    return 0;
}

/* A draw from a table of quantiles. */
static int draw(struct dm_rng *r, const int steps[QUANTILES])
{
    size_t i = dm_rng_below(r, QUANTILES - 1);
    int low = steps[i], span = steps[i + 1] - steps[i];
    return low + (span > 0 ? (int)dm_rng_below(r, (uint64_t)span + 1) : 0);
}

/* ---- a file that is written in large pieces ---- */

struct sink {
    struct dm_pending_file file;
    struct dm_strbuf buf;
    int64_t rows;
};

static int sink_open(struct sink *s, const char *path, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    *s = (struct sink){.file.fd = -1};
    dm_strbuf_init(&s->buf, 4 * FLUSH);
    return dm_file_begin(&s->file, dm_path_dir(&a, path), reterr);
}

static int sink_row(struct sink *s, struct dm_err *reterr)
{
    s->rows++;
    if (s->buf.len < FLUSH)
        return 0;
    DM_TRY(dm_file_append(&s->file, s->buf.p, s->buf.len, reterr));
    dm_strbuf_clear(&s->buf);
    return 0;
}

static int sink_close(struct sink *s, const char *path, int64_t *ret_rows, struct dm_err *reterr)
{
    DM_TRY(dm_file_append(&s->file, s->buf.p, s->buf.len, reterr));
    DM_TRY(dm_file_commit(&s->file, path, 0644, reterr));
    *ret_rows = s->rows;
    return 0;
}

static void sink_release(struct sink *s)
{
    dm_file_release(&s->file);
    dm_strbuf_release(&s->buf);
}

static void add_csv(struct dm_strbuf *b, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        dm_strbuf_adds(b, text);
        return;
    }
    dm_strbuf_addc(b, '"');
    for (; *text; text++) {
        if (*text == '"')
            dm_strbuf_addc(b, '"');
        dm_strbuf_addc(b, *text);
    }
    dm_strbuf_addc(b, '"');
}

/* ---- purchases ---- */

struct customer {
    int id;
    const char *country;
};

struct item {
    char code[12];
    char detail[80];
    int price; /* thousandths */
};

struct shop {
    struct dm_arena arena;
    struct dm_rng rng;
    struct customer *customers;
    struct item *items;
    size_t n_customers, n_items;
    int invoice;
};

static size_t scaled(const struct dm_datagen *d, uint64_t full, size_t least)
{
    uint64_t n = full * d->permille / 1000;
    return n < least ? least : n > full ? full : n;
}

static const char *draw_country(struct dm_rng *r)
{
    uint64_t k = dm_rng_below(r, 1000);
    for (size_t i = 0; i < COUNT(countries); i++) {
        if (k < countries[i].permille)
            return countries[i].name;
        k -= countries[i].permille;
    }
    return "United Kingdom";
}

static void make_item(struct dm_rng *r, size_t i, struct item *item)
{
    snprintf(item->code, sizeof(item->code), "%d%s", 20000 + (int)(i * 13 % 70000),
             dm_rng_chance(r, 250) ? (const char *[]){"A", "B", "C", "L"}[dm_rng_below(r, 4)] : "");
    const char *adjective = adjectives[dm_rng_below(r, COUNT(adjectives))];
    const char *noun = nouns[dm_rng_below(r, COUNT(nouns))];
    /* Each oddity at least once, however small the shop. */
    unsigned odd = i < ODDITIES ? (unsigned)i : (unsigned)dm_rng_below(r, 200);
    if (odd == 0)
        item->detail[0] = '\0';
    else if (odd == 1)
        snprintf(item->detail, sizeof(item->detail), "%s FRAME 7\" %s ", adjective, noun);
    else if (odd == 2)
        snprintf(item->detail, sizeof(item->detail), "GIFT VOUCHER \xEF\xBF\xBD%d.00, %s",
                 10 + 10 * (int)(i % 5), noun);
    else if (odd == 3)
        snprintf(item->detail, sizeof(item->detail), "%s %s\nSECOND LINE", adjective, noun);
    else if (odd == 4)
        snprintf(item->detail, sizeof(item->detail), "CAF\xC3\x89 %s %s", adjective, noun);
    else
        snprintf(item->detail, sizeof(item->detail), "%s %s%s", adjective, noun,
                 endings[dm_rng_below(r, COUNT(endings))]);
    item->price = dm_rng_chance(r, 5) ? 0 : draw(r, price_steps) / 10 * 10;
}

static void open_shop(struct shop *s, const struct dm_datagen *d)
{
    *s = (struct shop){.rng.state = d->seed * 2 + 1, .invoice = FIRST_INVOICE};
    s->n_customers = scaled(d, CUSTOMERS, 40);
    s->n_items = scaled(d, ITEMS, 200);
    s->customers = dm_arena_array(&s->arena, struct customer, s->n_customers);
    s->items = dm_arena_array(&s->arena, struct item, s->n_items);
    int span = CUSTOMER_MAX - CUSTOMER_MIN + 1;
    for (size_t i = 0; i < s->n_customers; i++) {
        /* Spread evenly over the ids, each customer somewhere in its own stretch. */
        int from = (int)(i * (size_t)span / s->n_customers);
        int to = (int)((i + 1) * (size_t)span / s->n_customers);
        s->customers[i].id =
            CUSTOMER_MIN + from + (int)dm_rng_below(&s->rng, (uint64_t)(to - from));
        s->customers[i].country = draw_country(&s->rng);
    }
    for (size_t i = 0; i < s->n_items; i++)
        make_item(&s->rng, i, &s->items[i]);
}

static bool is_open(int64_t day)
{
    struct dm_civil c = dm_civil_from_us(day * DM_DAY);
    if (dm_weekday(c.year, c.month, c.day) == 6)
        return false;
    bool christmas = (c.month == 12 && c.day >= 24) || (c.month == 1 && c.day <= 3);
    static const struct {
        int month, day;
    } closed[] = {{4, 22}, {4, 24}, {4, 25}, {4, 29}, {5, 2}, {5, 30}, {8, 29}};
    bool holiday = false;
    for (size_t i = 0; i < COUNT(closed); i++)
        holiday |= c.year == 2011 && c.month == closed[i].month && c.day == closed[i].day;
    return !christmas && !holiday;
}

/* Invoices of a day: more towards Christmas, few on Sundays. */
static size_t invoices_of(struct shop *s, const struct dm_datagen *d, int64_t day)
{
    struct dm_civil c = dm_civil_from_us(day * DM_DAY);
    uint64_t weight = c.month >= 9 ? 1000 + 180 * (uint64_t)(c.month - 8) : 850;
    if (dm_weekday(c.year, c.month, c.day) == 0)
        weight = weight * 6 / 10;
    weight = weight * (800 + dm_rng_below(&s->rng, 401)) / 1000;
    uint64_t n = (uint64_t)INVOICES * d->permille * weight / 305 / 1000 / 1000;
    return n < 2 ? 2 : (size_t)n;
}

static int minute_of_day(struct dm_rng *r)
{
    uint64_t k = dm_rng_below(r, 1000);
    for (int h = 0; h < 15; h++) {
        if (k < (uint64_t)hours[h])
            return (6 + h) * 60 + (int)dm_rng_below(r, 60);
        k -= (uint64_t)hours[h];
    }
    return 12 * 60;
}

static int by_minute(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int write_invoice(struct shop *s, struct sink *out, int64_t day, int minute,
                         struct dm_err *reterr)
{
    struct dm_civil c = dm_civil_from_us(day * DM_DAY);
    bool cancelled = dm_rng_chance(&s->rng, 148);
    /* A fifth of the customers make most of the invoices. */
    size_t among = dm_rng_chance(&s->rng, 600) ? (s->n_customers + 4) / 5 : s->n_customers;
    const struct customer *who =
        &s->customers[dm_rng_below(&s->rng, among) * 7919 % s->n_customers];
    bool anonymous = dm_rng_chance(&s->rng, 130);
    int lines = cancelled ? 1 + (int)dm_rng_below(&s->rng, 3) : draw(&s->rng, lines_steps);
    if (anonymous)
        lines *= 2; /* the real ones are long: a quarter of the lines, an eighth of the invoices */
    int number = s->invoice++;
    for (int i = 0; i < lines; i++) {
        const struct item *item = &s->items[dm_rng_below(&s->rng, s->n_items)];
        int quantity = draw(&s->rng, quantity_steps);
        struct dm_strbuf *b = &out->buf;
        dm_strbuf_addf(b, "%s%d,%s,", cancelled ? "C" : "", number, item->code);
        add_csv(b, item->detail);
        dm_strbuf_addf(b, ",%d,%d/%d/%d %d:%02d,", cancelled ? -quantity : quantity, c.month, c.day,
                       c.year, minute / 60, minute % 60);
        int cents = item->price / 10;
        if (cents % 100 == 0)
            dm_strbuf_addf(b, "%d,", cents / 100);
        else if (cents % 10 == 0)
            dm_strbuf_addf(b, "%d.%d,", cents / 100, cents % 100 / 10);
        else
            dm_strbuf_addf(b, "%d.%02d,", cents / 100, cents % 100);
        if (!anonymous)
            dm_strbuf_addf(b, "%d", who->id);
        dm_strbuf_addf(b, ",%s\r\n", who->country);
        DM_TRY(sink_row(out, reterr));
    }
    return 0;
}

/* Stock that was lost or found broken: a negative quantity that is no return, no price, nobody. */
static int write_adjustment(struct shop *s, struct sink *out, int64_t day, int minute,
                            struct dm_err *reterr)
{
    static const char *const reasons[] = {"damages", "?", "lost", "", "check", "thrown away"};
    struct dm_civil c = dm_civil_from_us(day * DM_DAY);
    const struct item *item = &s->items[dm_rng_below(&s->rng, s->n_items)];
    dm_strbuf_addf(&out->buf, "%d,%s,%s,%d,%d/%d/%d %d:%02d,0,,United Kingdom\r\n", s->invoice++,
                   item->code, reasons[dm_rng_below(&s->rng, COUNT(reasons))],
                   -draw(&s->rng, quantity_steps), c.month, c.day, c.year, minute / 60,
                   minute % 60);
    return sink_row(out, reterr);
}

static int write_day(struct shop *s, struct sink *out, const struct dm_datagen *d, int64_t day,
                     struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    size_t n = invoices_of(s, d, day);
    int *minutes = dm_arena_array(&a, int, n);
    for (size_t i = 0; i < n; i++)
        minutes[i] = minute_of_day(&s->rng);
    qsort(minutes, n, sizeof(*minutes), by_minute);
    for (size_t i = 0; i < n; i++) {
        bool adjustment = dm_rng_chance(&s->rng, 52);
        DM_TRY((adjustment ? write_adjustment : write_invoice)(s, out, day, minutes[i], reterr));
    }
    return 0;
}

static int write_purchases(struct shop *s, struct sink *out, const struct dm_datagen *d,
                           struct dm_err *reterr)
{
    dm_strbuf_adds(&out->buf, "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,"
                              "CustomerID,Country\r\n");
    int64_t last = dm_days_from_civil(2011, 12, 9);
    for (int64_t day = dm_days_from_civil(2010, 12, 1); day <= last; day++)
        if (is_open(day))
            DM_TRY(write_day(s, out, d, day, reterr));
    return 0;
}

int dm_datagen_purchases(const struct dm_datagen *d, const char *path, int64_t *ret_rows,
                         struct dm_err *reterr)
{
    struct sink out;
    DM_TRY(sink_open(&out, path, reterr));
    struct shop shop;
    open_shop(&shop, d);
    int rc = write_purchases(&shop, &out, d, reterr);
    if (rc >= 0)
        rc = sink_close(&out, path, ret_rows, reterr);
    dm_arena_release(&shop.arena);
    sink_release(&out);
    return rc;
}

/* ---- reviews ---- */

/* One sentence of a review, quotes doubled as RFC 4180 wants them. */
static void add_sentence(struct dm_rng *r, struct dm_strbuf *b)
{
    int n = 5 + (int)dm_rng_below(r, 16);
    for (int i = 0; i < n; i++) {
        const char *word = words[dm_rng_below(r, COUNT(words))];
        unsigned odd = (unsigned)dm_rng_below(r, 1000);
        if (odd < 2)
            dm_strbuf_adds(b, odd ? "good" : "Good");
        else if (odd < 4)
            dm_strbuf_adds(b, odd == 2 ? "good," : "good.");
        else if (odd < 12)
            dm_strbuf_addf(b, "\"\"%s\"\"", word);
        else if (odd < 14)
            dm_strbuf_adds(b, odd == 12 ? "clich\xC3\xA9" : "Am\xC3\xA9lie");
        else
            dm_strbuf_adds(b, word);
        if (i + 1 < n)
            dm_strbuf_adds(b, dm_rng_chance(r, 60) ? ", " : " ");
    }
    dm_strbuf_adds(b, dm_rng_chance(r, 80) ? ".<br /><br />" : dm_rng_chance(r, 60) ? "! " : ". ");
}

static int write_reviews(const struct dm_datagen *d, struct sink *out, struct dm_err *reterr)
{
    struct dm_rng r = {.state = d->seed * 2 + 2};
    size_t n = REVIEWS * d->permille / 1000;
    dm_strbuf_adds(&out->buf, "cid,review_str\n");
    for (size_t i = 0; i < (n ? n : 1); i++) {
        int cid = CUSTOMER_MIN + (int)dm_rng_below(&r, REVIEW_CID_MAX - CUSTOMER_MIN + 1);
        dm_strbuf_addf(&out->buf, "%d,\"", cid);
        size_t end = out->buf.len + (size_t)draw(&r, review_steps);
        while (out->buf.len < end)
            add_sentence(&r, &out->buf);
        dm_strbuf_adds(&out->buf, "\"\n");
        DM_TRY(sink_row(out, reterr));
    }
    return 0;
}

int dm_datagen_reviews(const struct dm_datagen *d, const char *path, int64_t *ret_rows,
                       struct dm_err *reterr)
{
    struct sink out;
    DM_TRY(sink_open(&out, path, reterr));
    int rc = write_reviews(d, &out, reterr);
    if (rc >= 0)
        rc = sink_close(&out, path, ret_rows, reterr);
    sink_release(&out);
    return rc;
}
