/*
 * The PostgreSQL wire protocol 3.0, bytes only: a builder of messages with a back-patched length, a reader that checks
 * bounds and full consumption, and the cutting of a byte stream into messages.  No socket, no engine.
 */
#ifndef DM_PGWIRE_H
#define DM_PGWIRE_H

#include "base/str.h"

/* Message letters; those of clients and servers overlap. */
enum dm_pgwire_letter {
    DM_WIRE_BIND = 'B',
    DM_WIRE_CLOSE = 'C',
    DM_WIRE_COPY_DATA = 'd',
    DM_WIRE_COPY_DONE = 'c',
    DM_WIRE_COPY_FAIL = 'f',
    DM_WIRE_DESCRIBE = 'D',
    DM_WIRE_EXECUTE = 'E',
    DM_WIRE_FLUSH = 'H',
    DM_WIRE_FUNCTION_CALL = 'F',
    DM_WIRE_PARSE = 'P',
    DM_WIRE_PASSWORD = 'p',
    DM_WIRE_QUERY = 'Q',
    DM_WIRE_SYNC = 'S',
    DM_WIRE_TERMINATE = 'X',

    DM_WIRE_AUTHENTICATION = 'R',
    DM_WIRE_BACKEND_KEY = 'K',
    DM_WIRE_BIND_COMPLETE = '2',
    DM_WIRE_CLOSE_COMPLETE = '3',
    DM_WIRE_COMMAND_COMPLETE = 'C',
    DM_WIRE_COPY_IN_RESPONSE = 'G',
    DM_WIRE_COPY_OUT_RESPONSE = 'H',
    DM_WIRE_DATA_ROW = 'D',
    DM_WIRE_EMPTY_QUERY = 'I',
    DM_WIRE_ERROR = 'E',
    DM_WIRE_NEGOTIATE = 'v',
    DM_WIRE_NO_DATA = 'n',
    DM_WIRE_NOTICE = 'N',
    DM_WIRE_PARAMETER_DESCRIPTION = 't',
    DM_WIRE_PARAMETER_STATUS = 'S',
    DM_WIRE_PARSE_COMPLETE = '1',
    DM_WIRE_PORTAL_SUSPENDED = 's',
    DM_WIRE_READY = 'Z',
    DM_WIRE_ROW_DESCRIPTION = 'T',
};

/* What the first message of a connection asks for, in the place of a protocol version. */
enum {
    DM_WIRE_PROTOCOL_MAJOR = 3,
    DM_WIRE_CANCEL_REQUEST = 80877102,
    DM_WIRE_SSL_REQUEST = 80877103,
    DM_WIRE_GSS_REQUEST = 80877104,
};

/* Limits.  A client's message is one statement, one row of COPY or one set of parameters. */
#define DM_WIRE_MESSAGE_MAX ((size_t)64 << 20)
#define DM_WIRE_STARTUP_MAX ((size_t)10000) /* PostgreSQL's own */
#define DM_WIRE_OUT_MAX ((size_t)256 << 20) /* one row */

/* Building.  Sticky: a message that passes the buffer's maximum leaves it `full`; ask once at the end. */
struct dm_pgwire_out {
    struct dm_strbuf buf;
    size_t message_at; /* where the open message begins */
    size_t cell_at;
};

void dm_pgwire_out_init(struct dm_pgwire_out *o, size_t max);
void dm_pgwire_out_release(struct dm_pgwire_out *o);
void dm_pgwire_begin(struct dm_pgwire_out *o, enum dm_pgwire_letter letter);
void dm_pgwire_end(struct dm_pgwire_out *o); /* writes the length */
/* Forgets the open message. */
void dm_pgwire_abandon(struct dm_pgwire_out *o);
void dm_pgwire_add_u8(struct dm_pgwire_out *o, unsigned v);
void dm_pgwire_add_i16(struct dm_pgwire_out *o, int v);
void dm_pgwire_add_i32(struct dm_pgwire_out *o, int32_t v);
void dm_pgwire_add_cstr(struct dm_pgwire_out *o, const char *s);
void dm_pgwire_add_bytes(struct dm_pgwire_out *o, struct dm_str s);
/* A cell of a row: its bytes are added to `buf` between these two. */
void dm_pgwire_cell_begin(struct dm_pgwire_out *o);
void dm_pgwire_cell_end(struct dm_pgwire_out *o);
void dm_pgwire_cell_null(struct dm_pgwire_out *o);

/* Whole messages. */
void dm_pgwire_empty(struct dm_pgwire_out *o, enum dm_pgwire_letter letter); /* no contents */
void dm_pgwire_ready(struct dm_pgwire_out *o, char status);                  /* 'I', 'T' or 'E' */
void dm_pgwire_command_complete(struct dm_pgwire_out *o, const char *tag);
void dm_pgwire_parameter_status(struct dm_pgwire_out *o, const char *name, const char *value);
/* severity: "ERROR", "FATAL", "WARNING", "NOTICE"; the last two are notices.  `where` may be NULL. */
void dm_pgwire_report(struct dm_pgwire_out *o, const char *severity, const struct dm_err *err,
                      const char *where);

/* Reading one message's contents.  After a read beyond the end every read gives 0, NULL or "" and `bad` stays. */
struct dm_pgwire_in {
    const char *p;
    size_t len, at;
    bool bad;
};

unsigned dm_pgwire_u8(struct dm_pgwire_in *in);
int dm_pgwire_i16(struct dm_pgwire_in *in);
int32_t dm_pgwire_i32(struct dm_pgwire_in *in);
const char *dm_pgwire_cstr(struct dm_pgwire_in *in); /* points into the message */
struct dm_str dm_pgwire_bytes(struct dm_pgwire_in *in, size_t n);
struct dm_str dm_pgwire_rest(struct dm_pgwire_in *in);
/* DM_E_SYNTAX with 08P01 where the message was too short or not used up. */
int dm_pgwire_done(const struct dm_pgwire_in *in, struct dm_err *reterr) dm_nodiscard;

/* Cutting.  1: *ret_size bytes of `bytes` are one message, its letter and contents in *ret; 0: more bytes are needed;
   or an error for a length that cannot be.  `startup`: the first message, which has no letter (0 then). */
struct dm_pgwire_message {
    char letter;
    struct dm_pgwire_in in;
};
int dm_pgwire_cut(struct dm_str bytes, bool startup, struct dm_pgwire_message *ret,
                  size_t *ret_size, struct dm_err *reterr) dm_nodiscard;

#endif
