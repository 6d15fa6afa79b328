/*
 * The log of a daemon or of a task: one line per event, logfmt on a terminal and JSON otherwise.
 *
 *   ts=2026-01-02T03:04:05.000678Z level=info comp=scheduler dag=shop run=… task=… try=1 msg="…"
 *
 * A failure adds code, at, detail and hint.  Only the edges log (cmd/, the scheduler's loop, task-run, warehouse
 * sessions); libraries return errors.  Fields that every line of a scope carries (dag, run, task, try …) are pushed as
 * a stack-linked context of the thread.  A line is one write, so that lines of several threads do not mix; opening and
 * masking belong to the start, before there are threads.
 */
#ifndef DM_LOG_H
#define DM_LOG_H

#include "base/str.h"

enum dm_log_level { DM_LOG_DEBUG, DM_LOG_INFO, DM_LOG_WARN, DM_LOG_ERROR };

/* A field "key=value" of every line until it is popped.  Lives on the stack of its scope. */
struct dm_log_field {
    const struct dm_log_field *outer;
    const char *key, *value;
};

/* Where lines go (the descriptor stays the caller's), the least level that is written, and who speaks ("scheduler";
   the text is the caller's). */
void dm_log_open(int fd, enum dm_log_level least, const char *comp);
/* The same for lines that somebody else writes: `sink` gets each whole, with its end of line. */
void dm_log_open_sink(void (*sink)(void *user, struct dm_str line), void *user, bool json,
                      enum dm_log_level least, const char *comp);
void dm_log_push(struct dm_log_field *f, const char *key, const char *value);
void dm_log_pop(const struct dm_log_field *f);
void dm_log(enum dm_log_level level, const char *fmt, ...) dm_printf(2, 3);
/* One failure, one line: message, place, detail, hint. */
void dm_log_err(enum dm_log_level level, const struct dm_err *err);
/* Values that must never be printed; every field of every line has them replaced by ***.  The text is copied; one of
   fewer than three bytes is not masked: it would make lines unreadable and is no secret. */
void dm_log_mask(const char *secret);
/* Replaces the registered secrets in a text in place (same length or shorter). */
void dm_mask_text(char *text);
/* A field as lines have it: ,"key":"value" or " key=value", quoted where a reader or a terminal would misread it. */
void dm_log_add_field(struct dm_strbuf *b, bool json, const char *key, const char *value);

#endif
