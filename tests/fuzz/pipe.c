/*
 * The pipe between an attempt and the process that decides.  The bytes are taken as a stream of frames, and as one
 * message whose kind is the first byte: both reach the codecs of the bodies (reports, results, work orders).
 */
#include "fuzz.h"
#include "task/message.h"

static void try_result(struct dm_arena *a, const struct dm_result *r)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    struct dm_err err;
    struct dm_result back;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_result_encode(&b, r);
    int rc = dm_result_decode(a, dm_strbuf_str(&b), &back, &err);
    FUZZ_CHECK(rc == 0, "%s: %s", err.message, b.p);
    FUZZ_CHECK(back.state == r->state && back.retry == r->retry &&
                   back.until_time == r->until_time && back.error.code == r->error.code &&
                   dm_value_equal(back.objects, r->objects),
               "%s", b.p);
}

static void try_up(struct dm_arena *a, enum dm_wire_kind kind, struct dm_str body)
{
    struct dm_message m;
    struct dm_err err = {0};
    int rc = dm_message_decode(a, kind, body, &m, &err);
    if (rc < 0)
        fuzz_check_err(rc, &err);
    else if (kind == DM_WIRE_RESULT)
        try_result(a, &m.result);
}

/* An order that was read is written, read and written the same. */
static void try_order(struct dm_arena *a, struct dm_str body)
{
    _cleanup_strbuf_ struct dm_strbuf once, twice;
    struct dm_order o;
    struct dm_err err = {0};
    dm_strbuf_init(&once, DM_BUF_FRAME);
    dm_strbuf_init(&twice, DM_BUF_FRAME);
    int rc = dm_order_decode(a, body, &o, &err);
    if (rc < 0) {
        fuzz_check_err(rc, &err);
        return;
    }
    rc = dm_order_encode(&once, &o, &err);
    FUZZ_CHECK(rc == 0, "%s", err.message);
    rc = dm_order_decode(a, dm_strbuf_str(&once), &o, &err);
    FUZZ_CHECK(rc == 0, "%s: %s", err.message, once.p);
    rc = dm_order_encode(&twice, &o, &err);
    FUZZ_CHECK(rc == 0 && dm_str_eq(dm_strbuf_str(&once), dm_strbuf_str(&twice)), "%s\n%s", once.p,
               twice.p);
}

static void try_step_order(struct dm_arena *a, struct dm_str body)
{
    struct dm_step_order o;
    struct dm_err err = {0};
    int rc = dm_step_order_decode(a, body, &o, &err);
    if (rc < 0)
        fuzz_check_err(rc, &err);
}

static void try_message(enum dm_wire_kind kind, struct dm_str body)
{
    _cleanup_arena_ struct dm_arena a = {0};
    if (kind == DM_WIRE_ORDER) {
        try_order(&a, body);
        try_step_order(&a, body);
    } else {
        try_up(&a, kind, body);
    }
}

static void try_frames(struct dm_str rest)
{
    struct dm_frame f;
    struct dm_err err = {0};
    size_t used;
    int rc;
    while ((rc = dm_frame_decode(rest, &f, &used, &err)) == 1) {
        _cleanup_strbuf_ struct dm_strbuf b;
        dm_strbuf_init(&b, DM_BUF_FRAME);
        dm_frame_encode(&b, f.kind, f.body);
        FUZZ_CHECK(dm_str_eq(dm_strbuf_str(&b), dm_str_sub(rest, 0, used)), "%zu bytes", used);
        try_message(f.kind, f.body);
        rest = dm_str_sub(rest, used, rest.len);
    }
    if (rc < 0)
        fuzz_check_err(rc, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dm_str text = fuzz_text(data, size);
    try_frames(text);
    if (size)
        try_message((enum dm_wire_kind)data[0], dm_str_sub(text, 1, size));
    return 0;
}
