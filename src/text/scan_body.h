/*
 * The scan itself, compiled once per instruction set: the file that includes this one has defined SCAN_TARGET,
 * SCAN_TABLE, SCAN_NAME and the searches find1, find2, closing_quote, count and any_good.
 */

static inline SCAN_TARGET bool space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline SCAN_TARGET bool good_at(const uint8_t *at, const uint8_t *s, const uint8_t *e)
{
    return e - at >= 4 && (at[0] | 0x20) == 'g' && (at[1] | 0x20) == 'o' && (at[2] | 0x20) == 'o' &&
           (at[3] | 0x20) == 'd' && (at == s || space(at[-1])) && (at + 4 == e || space(at[4]));
}

/* Adds the row of a cid and a review that stand in the input as they are (but for doubled quotes in the review,
   which cannot touch the word). */
static inline SCAN_TARGET void put(struct dm_text_rows *rows, const uint8_t *cid, size_t cid_len,
                                   const uint8_t *review, const uint8_t *review_end)
{
    bool high;
    bool positive = any_good(review, review_end, &high, good_at);
    uint8_t cid_high = 0;
    uint8_t *to = dm_text_bytes_room(&rows->cids, cid_len);
    for (size_t i = 0; i < cid_len; i++) {
        to[i] = cid[i];
        cid_high |= cid[i];
    }
    if (high || cid_high & 0x80)
        rows->invalid_utf8 += !dm_text_utf8_valid(cid, cid_len) ||
                              !dm_text_utf8_valid(review, (size_t)(review_end - review));
    if (cid_high & 0x80 || !cid_len) {
        dm_text_rows_put(rows, cid, cid_len, positive);
        return;
    }
    rows->cids.len += cid_len;
    *dm_text_rows_add(rows) = (struct dm_text_row){(uint32_t)cid_len, positive};
    rows->positive += positive;
}

/* ---- spark ---- */

struct span {
    const uint8_t *p, *e;
};

/* A field that starts with a quote, as far as it can be told without the machine: its value is a stretch of the
   line.  Returns where the field ends (a comma or e), NULL where the machine is needed. */
static inline SCAN_TARGET const uint8_t *quoted_span(const uint8_t *p, const uint8_t *e,
                                                     struct span *ret)
{
    const uint8_t *q = find2(p + 1, e, '"', '\\');
    if (q == e || *q == '\\')
        return NULL;
    while (q < e && *q == '"')
        q++;
    const uint8_t *behind = q;
    while (behind < e && *behind <= ' ')
        behind++;
    if (behind == e || *behind == ',') { /* closed; all but the last of the quotes are part of it */
        *ret = (struct span){p + 1, q - 1};
        return behind;
    }
    if (*q == '\\')
        return NULL;
    /* A quote before other text: literal with its opening quote, up to the next comma. */
    const uint8_t *comma = find1(behind, e, ',');
    if (comma == e && behind > q)
        return NULL;
    *ret = (struct span){p, comma};
    return comma;
}

/* False where the line fails the job. */
static SCAN_TARGET __attribute__((noinline)) bool exact_line(const struct dm_text_plan *plan,
                                                             struct dm_text_scratch *scratch,
                                                             const uint8_t *p, size_t n,
                                                             struct dm_text_rows *rows)
{
    struct dm_spark_fields *f = &scratch->fields;
    if (!dm_spark_split(p, n, plan->pruned ? &plan->keep : NULL, f)) {
        rows->code = DM_TEXT_E_TOO_MANY_COLUMNS;
        return false;
    }
    struct dm_spark_value cid =
        plan->cid == SIZE_MAX ? plan->fixed_cid : dm_spark_field(f, plan->cid);
    struct dm_spark_value review =
        plan->review == SIZE_MAX ? plan->fixed_review : dm_spark_field(f, plan->review);
    if (!review.len) {
        rows->code = DM_TEXT_E_NULL_REVIEW;
        return false;
    }
    /* The scratch copies are padded where a value in the middle of others need not be. */
    scratch->cid.len = scratch->review.len = 0;
    dm_text_bytes_add(&scratch->cid, cid.p, cid.len);
    dm_text_bytes_add(&scratch->review, review.p, review.len);
    put(rows, scratch->cid.p, cid.len, scratch->review.p, scratch->review.p + review.len);
    return true;
}

static inline SCAN_TARGET bool spark_line(const struct dm_text_plan *plan,
                                          struct dm_text_scratch *scratch, const uint8_t *s,
                                          const uint8_t *e, struct dm_text_rows *rows)
{
    if (s == e)
        return true;
    if (*s <= ' ') {
        const uint8_t *t = s;
        while (t < e && *t <= ' ')
            t++;
        if (t == e)
            return true;
    }
    if (plan->cid == SIZE_MAX || plan->review == SIZE_MAX)
        return exact_line(plan, scratch, s, (size_t)(e - s), rows);
    struct span cid = {e, e}, review = {e, e};
    size_t needed = plan->cid > plan->review ? plan->cid : plan->review;
    const uint8_t *p = s;
    for (size_t i = 0;; i++, p++) {
        struct span value;
        if (p < e && *p == '"') {
            const uint8_t *end = quoted_span(p, e, &value);
            if (!end)
                return exact_line(plan, scratch, s, (size_t)(e - s), rows);
            p = end;
        } else {
            value.p = p;
            value.e = p = find1(p, e, ',');
        }
        if (i == plan->cid)
            cid = value;
        if (i == plan->review)
            review = value;
        if (i == needed || p == e)
            break;
    }
    if (review.p == review.e || (size_t)(e - p) + needed >= DM_SPARK_COLUMNS_MAX)
        return exact_line(plan, scratch, s, (size_t)(e - s), rows);
    put(rows, cid.p, (size_t)(cid.e - cid.p), review.p, review.e);
    return true;
}

static SCAN_TARGET size_t scan_spark(const struct dm_text_plan *plan,
                                     struct dm_text_scratch *scratch, const uint8_t *p, size_t n,
                                     bool last, struct dm_text_rows *rows)
{
    const uint8_t *s = p, *e = p + n;
    while (s < e) {
        const uint8_t *q = find2(s, e, '\n', '\r');
        if (!last && (q == e || (q + 1 == e && *q == '\r')))
            break;
        if (!spark_line(plan, scratch, s, q, rows)) {
            rows->failed_line = rows->lines;
            break;
        }
        rows->lines++;
        s = q == e ? e : q + 1;
        if (s < e && *q == '\r' && *s == '\n')
            s++;
    }
    return (size_t)(s - p);
}

static SCAN_TARGET size_t guess_spark(const uint8_t *p, size_t n)
{
    const uint8_t *q = memrchr(p, '\n', n);
    if (!q && n)
        q = memrchr(p, '\r', n - 1);
    return q ? (size_t)(q - p) + 1 : 0;
}

/* ---- rfc4180 ---- */

/* The record at p, if it is an ordinary one: returns where the next one starts, NULL for the exact reader. */
static inline SCAN_TARGET const uint8_t *ordinary_record(const struct dm_text_plan *plan,
                                                         struct dm_text_scratch *scratch,
                                                         const uint8_t *p, const uint8_t *e,
                                                         struct dm_text_rows *rows)
{
    struct span cid = {p, p}, review = {p, p};
    for (size_t i = 0;; i++) {
        struct span value;
        bool ended, doubled = false;
        if (p < e && *p == '"') {
            value.p = p + 1;
            value.e = p = closing_quote(value.p, e);
            if (e - p < 3)
                return NULL;
            p++;
            ended = *p != ',';
            if (ended && *p == '\r')
                p++;
            if (ended && *p != '\n')
                return NULL;
            doubled = i == plan->cid && find1(value.p, value.e, '"') != value.e;
        } else {
            value.p = p;
            value.e = p = find2(p, e, ',', '\n');
            if (p == e)
                return NULL;
            ended = *p == '\n';
            if (ended && value.e > value.p && value.e[-1] == '\r')
                value.e--;
        }
        p++;
        if ((size_t)(value.e - value.p) > DM_RFC4180_FIELD_MAX || doubled)
            return NULL;
        if (i == plan->cid)
            cid = value;
        if (i == plan->review)
            review = value;
        if (ended != (i + 1 == plan->columns))
            return NULL;
        if (ended)
            break;
    }
    put(rows, cid.p, (size_t)(cid.e - cid.p), review.p, review.e);
    return p;
}

/* The record at p by the exact reader; 0 where it is not complete. */
static SCAN_TARGET __attribute__((noinline)) size_t
exact_record(const struct dm_text_plan *plan, struct dm_text_scratch *scratch, const uint8_t *p,
             size_t n, bool last, struct dm_text_rows *rows, struct dm_text_reject *reject)
{
    struct dm_rfc4180_record *r = &scratch->record;
    if (!dm_rfc4180_read(p, n, last, r))
        return 0;
    if (r->bad || r->n != plan->columns) {
        reject->len = r->len;
        reject->fields = (uint32_t)r->n;
        reject->reason = r->bad ? r->reason : DM_TEXT_FIELD_COUNT;
        dm_text_rows_reject(rows, *reject);
        return r->len;
    }
    scratch->cid.len = scratch->review.len = 0;
    dm_rfc4180_value(&r->fields[plan->cid], &scratch->cid);
    dm_rfc4180_value(&r->fields[plan->review], &scratch->review);
    uint8_t *review = dm_text_bytes_room(&scratch->review, 0);
    put(rows, dm_text_bytes_room(&scratch->cid, 0) - scratch->cid.len, scratch->cid.len,
        review - scratch->review.len, review);
    return r->len;
}

static SCAN_TARGET size_t scan_rfc4180(const struct dm_text_plan *plan,
                                       struct dm_text_scratch *scratch, const uint8_t *p, size_t n,
                                       bool last, struct dm_text_rows *rows)
{
    const uint8_t *s = p, *e = p + n, *counted = p;
    while (s < e) {
        const uint8_t *next = ordinary_record(plan, scratch, s, e, rows);
        if (next) {
            s = next;
            continue;
        }
        struct dm_text_reject reject = {.at = (size_t)(s - p)};
        size_t rejects = rows->n_rejects;
        size_t len = exact_record(plan, scratch, s, (size_t)(e - s), last, rows, &reject);
        if (!len)
            break;
        if (rows->n_rejects > rejects) {
            rows->lines += count(counted, s, '\n');
            counted = s;
            rows->rejects[rejects].line = rows->lines;
        }
        s += len;
    }
    rows->lines += count(counted, s, '\n');
    return (size_t)(s - p);
}

static SCAN_TARGET size_t guess_rfc4180(const uint8_t *p, size_t n)
{
    bool odd = count(p, p + n, '"') & 1;
    for (const uint8_t *q = p + n; q > p; q--) {
        odd ^= q[-1] == '"';
        if (q[-1] == '\n' && !odd)
            return (size_t)(q - p);
    }
    return 0;
}

static SCAN_TARGET bool positive(const uint8_t *p, size_t n)
{
    bool high;
    return any_good(p, p + n, &high, good_at);
}

const struct dm_text_scan SCAN_TABLE = {SCAN_NAME,   scan_spark,    scan_rfc4180,
                                        guess_spark, guess_rfc4180, positive};
