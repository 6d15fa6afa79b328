/* The rfc4180 dialect through text/classify.h. */
#include "classify.h"

static const struct dm_classify_options strict = {0}, lenient = {.max_rejected = 1000};

static void ordinary_records_of_every_shape(void)
{
    T_STR(classified("cid,review_str\n1,good\n2,\"a \"\"good\"\" one\"\n3,\"so good\"\r\n4,goods",
                     strict),
          "1+ 2- 3+ 4-");
    T_STR(classified("cid,review_str\n1,\"line\nbreak, good\r\nfilm\"\n", strict), "1+");
    T_STR(classified("\xEF\xBB\xBF\"review_str\",x,cid\r\ngood,,1\r\n,\"\",\"2\"\r\n", strict),
          "1+ 2-");
    T_STR(classified("cid,review_str\n,good\n\"\",x\n\"1\"\"2\",x\n", strict), "NULL+ NULL- 1\"2-");
    T_STR(classified("cid,review_str\n1,5\" disk good\n", strict), "1+");
}

static void what_is_no_record_is_rejected(void)
{
    T_STR(classified("cid,review_str\n1,a\n\n2,b,c\n3,\"x\"y\n4,good\n5,\"open", lenient), "1- 4+");
    T_STR(classified("cid,review_str\n1,\"a\nb\"\n2\n", strict),
          "REJECTED at 4: 1 of 2 records were rejected, 0 are borne; the first: wrong number of "
          "fields "
          "(1 instead of 2)");
    struct dm_classify_options half = {.max_rejected_share = 0.5};
    T_STR(classified("cid,review_str\n1,a\n2\n", half), "1-");
    T_HAS(classified("cid,review_str\n1\n2\n3,a\n", half), "2 of 3 records");
}

static void the_header_must_name_the_columns(void)
{
    T_STR(classified("id,review\n1,a\n", strict),
          "COLUMNS at 0: the header has no column \"cid\"; its columns are: id, review");
    T_HAS(classified("cid,CID,review\n", strict), "no column \"review_str\"");
    T_HAS(classified("cid,cid,review_str\n", strict), "twice");
    T_HAS(classified("", strict), "NO_INPUT");
}

static void bytes_that_are_not_utf8_are_counted(void)
{
    static const char text[] =
        "cid,review_str\n\xFF,good\n1,\xC3\xA9 good\n2,\xE3\x81 good\n3,good\xFF\n";
    struct outcome o = classify_bytes(text, sizeof(text) - 1, strict);
    T_INT(o.rc, 0);
    T_STR(shown(&o), "\xEF\xBF\xBD+ 1+ 2+ 3-");
    T_INT(o.result.invalid_utf8, 3);
    outcome_release(&o);
}

static void rejected_records_are_kept_with_line_and_reason(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    struct dm_str kept;
    struct dm_classify_options o = {.max_rejected = 9, .reject_path = "/tmp/dm-rejects.csv"};
    T_STR(classified("cid,review_str\n1,\"two\nlines\"\n2,\"a\"b\n3,x\n", o), "1- 3-");
    T_TRY(dm_file_read(&a, o.reject_path, 1 << 20, &kept, &err), err);
    T_DMSTR(kept, "file,line,reason,record\n\"standard input\",4,\"text after a closing quote\","
                  "\"2,\"\"a\"\"b\"\n");
    unlink(o.reject_path);
}

static void a_field_over_16_mib_is_rejected_and_the_next_record_found(void)
{
    size_t sizes[] = {DM_PARQUET_CIDS_MAX * 2, (DM_PARQUET_CIDS_MAX * 2) + 1, (size_t)70 << 20};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct dm_text_bytes b = {0};
        static const char head[] = "cid,review_str\n1,\"", tail[] = "\"\n2,good\n";
        dm_text_bytes_add(&b, head, sizeof(head) - 1);
        memset(dm_text_bytes_room(&b, sizes[i]), '\n', sizes[i]);
        b.len += sizes[i];
        dm_text_bytes_add(&b, tail, sizeof(tail) - 1);
        struct outcome o = classify_bytes(b.p, b.len, lenient);
        T_INT(o.rc, 0);
        T_STR(shown(&o), i ? "2+" : "1- 2+");
        T_INT(o.result.rejected, i ? 1 : 0);
        outcome_release(&o);
        dm_text_bytes_release(&b);
    }
}

T_MAIN(T_CASE(ordinary_records_of_every_shape), T_CASE(what_is_no_record_is_rejected),
       T_CASE(the_header_must_name_the_columns), T_CASE(bytes_that_are_not_utf8_are_counted),
       T_CASE(rejected_records_are_kept_with_line_and_reason),
       T_CASE(a_field_over_16_mib_is_rejected_and_the_next_record_found))
