/* warehouse/pgwire.h: messages built, cut and read, without a socket. */
#include "warehouse/pgwire.h"

#include "t.h"

static void a_message_has_its_length(void)
{
    struct dm_pgwire_out o;
    dm_pgwire_out_init(&o, 1000);
    dm_pgwire_begin(&o, DM_WIRE_DATA_ROW);
    dm_pgwire_add_i16(&o, 2);
    dm_pgwire_cell_begin(&o);
    dm_strbuf_adds(&o.buf, "ab");
    dm_pgwire_cell_end(&o);
    dm_pgwire_cell_null(&o);
    dm_pgwire_end(&o);
    static const char want[] = "D\0\0\0\x10\0\2\0\0\0\2ab\xff\xff\xff\xff";
    T_INT(o.buf.len, sizeof(want) - 1);
    T_OK(memcmp(o.buf.p, want, sizeof(want) - 1) == 0);
    dm_pgwire_out_release(&o);
}

static void a_message_beyond_the_limit_is_given_up_whole(void)
{
    struct dm_pgwire_out o;
    struct dm_err err;
    dm_pgwire_out_init(&o, 64);
    dm_pgwire_ready(&o, 'I');
    size_t before = o.buf.len;
    dm_pgwire_begin(&o, DM_WIRE_DATA_ROW);
    for (int i = 0; i < 100; i++)
        dm_pgwire_add_i32(&o, i);
    dm_pgwire_end(&o);
    T_INT(dm_strbuf_check(&o.buf, "a row", &err), DM_E_LIMIT);
    dm_pgwire_abandon(&o);
    T_INT(o.buf.len, before);
    T_TRY(dm_strbuf_check(&o.buf, "a row", &err), err);
    dm_pgwire_out_release(&o);
}

/* Every cut of the bytes gives "more" until the last one is there. */
static void a_stream_is_cut_at_any_byte(void)
{
    static const char bytes[] = "Q\0\0\0\x0dselect 1\0S\0\0\0\4";
    struct dm_pgwire_message m;
    struct dm_err err;
    size_t size;
    for (size_t n = 0; n < 14; n++)
        T_INT(dm_pgwire_cut(dm_str_n(bytes, n), false, &m, &size, &err), 0);
    T_INT(dm_pgwire_cut(dm_str_n(bytes, sizeof(bytes) - 1), false, &m, &size, &err), 1);
    T_INT(size, 14);
    T_INT(m.letter, DM_WIRE_QUERY);
    T_STR(dm_pgwire_cstr(&m.in), "select 1");
    T_TRY(dm_pgwire_done(&m.in, &err), err);
    T_INT(dm_pgwire_cut(dm_str_n(bytes + 14, 5), false, &m, &size, &err), 1);
    T_INT(m.letter, DM_WIRE_SYNC);
}

static void lengths_that_cannot_be_are_errors(void)
{
    struct dm_pgwire_message m;
    struct dm_err err;
    size_t size;
    T_INT(dm_pgwire_cut(dm_str_n("Q\0\0\0\3", 5), false, &m, &size, &err), DM_E_SYNTAX);
    T_STR(err.sqlstate, "08P01");
    T_INT(dm_pgwire_cut(dm_str_n("Q\xff\xff\xff\xff", 5), false, &m, &size, &err), DM_E_LIMIT);
    T_INT(dm_pgwire_cut(dm_str_n("\0\0\0\4", 4), true, &m, &size, &err), DM_E_SYNTAX);
    T_INT(dm_pgwire_cut(dm_str_n("\0\1\0\0", 4), true, &m, &size, &err), DM_E_LIMIT);
}

static void reading_beyond_the_end_stays_bad(void)
{
    struct dm_err err;
    struct dm_pgwire_in in = {.p = "\0\1ab", .len = 4};
    T_INT(dm_pgwire_i16(&in), 1);
    T_INT(dm_pgwire_i32(&in), 0);
    T_STR(dm_pgwire_cstr(&in), "");
    T_INT(dm_pgwire_u8(&in), 0);
    T_INT(dm_pgwire_done(&in, &err), DM_E_SYNTAX);
    in = (struct dm_pgwire_in){.p = "\0\1ab", .len = 4};
    T_INT(dm_pgwire_i16(&in), 1);
    T_INT(dm_pgwire_done(&in, &err), DM_E_SYNTAX);
    in = (struct dm_pgwire_in){.p = "abc", .len = 3};
    T_STR(dm_pgwire_cstr(&in), "");
    T_OK(in.bad);
}

T_MAIN(T_CASE(a_message_has_its_length), T_CASE(a_message_beyond_the_limit_is_given_up_whole),
       T_CASE(a_stream_is_cut_at_any_byte), T_CASE(lengths_that_cannot_be_are_errors),
       T_CASE(reading_beyond_the_end_stays_bad))
