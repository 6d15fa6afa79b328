/* Thrift's compact protocol, as much of it as a Parquet file needs to be written. */
#ifndef DM_TEXT_THRIFT_H
#define DM_TEXT_THRIFT_H

#include "text/bytes.h"

enum dm_thrift_type {
    DM_THRIFT_TRUE = 1,
    DM_THRIFT_I32 = 5,
    DM_THRIFT_I64 = 6,
    DM_THRIFT_BINARY = 8,
    DM_THRIFT_LIST = 9,
    DM_THRIFT_STRUCT = 12,
};

enum { DM_THRIFT_DEPTH_MAX = 8 };

/* Fields of a struct are added in the order of their ids; a struct in a struct or list is opened with
   dm_thrift_open and closed with dm_thrift_close. */
struct dm_thrift {
    struct dm_text_bytes out;
    int last[DM_THRIFT_DEPTH_MAX]; /* field id per open struct */
    unsigned depth;
};

void dm_thrift_varint(struct dm_text_bytes *out, uint64_t v);
void dm_thrift_field(struct dm_thrift *t, int id, enum dm_thrift_type type);
void dm_thrift_int(struct dm_thrift *t, int id, enum dm_thrift_type type, int64_t v);
void dm_thrift_bytes(struct dm_thrift *t, int id, const void *p, size_t n);
void dm_thrift_string(struct dm_thrift *t, int id, const char *s);
void dm_thrift_list(struct dm_thrift *t, int id, enum dm_thrift_type of, size_t n);
/* Elements of a list. */
void dm_thrift_element(struct dm_thrift *t, int64_t v);
void dm_thrift_element_string(struct dm_thrift *t, const char *s);
/* `id` 0: an element of a list. */
void dm_thrift_open(struct dm_thrift *t, int id);
void dm_thrift_close(struct dm_thrift *t);

#endif
