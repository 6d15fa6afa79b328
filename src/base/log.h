/*
 * The log of a daemon or of a task: one line per event, logfmt on a terminal and JSON otherwise.
 *
 * Only the edges log (cmd/, the scheduler's loop, task-run, warehouse sessions).  Libraries return errors.
 * Fields that every line of a scope carries (dag, run, task, try …) are pushed as a stack-linked context.
 */
#ifndef DM_LOG_H
#define DM_LOG_H

#include "base/err.h"

enum dm_log_level { DM_LOG_DEBUG, DM_LOG_INFO, DM_LOG_WARN, DM_LOG_ERROR };

/* A field "key=value" of every line until it is popped.  Lives on the stack of its scope. */
struct dm_log_field {
    const struct dm_log_field *outer;
    const char *key, *value;
};

void dm_log_open(int fd, enum dm_log_level least, const char *comp);
void dm_log_push(struct dm_log_field *f, const char *key, const char *value);
void dm_log_pop(const struct dm_log_field *f);
void dm_log(enum dm_log_level level, const char *fmt, ...) dm_printf(2, 3);
/* One failure, one line: message, place, detail, hint. */
void dm_log_err(enum dm_log_level level, const struct dm_err *err);
/* Values that must never be printed; every line has them replaced by ***.  The text is copied. */
void dm_log_mask(const char *secret);
/* Replaces the registered secrets in a text in place (same length or shorter). */
void dm_mask_text(char *text);

#endif
