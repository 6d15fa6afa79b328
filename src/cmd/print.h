/*
 * What commands print: tables (aligned, CSV, JSON), errors, progress.
 */
#ifndef DM_PRINT_H
#define DM_PRINT_H

#include "cmd/cmd.h"

enum dm_print_form { DM_PRINT_ALIGNED, DM_PRINT_CSV, DM_PRINT_JSON };

/*
 * A table.  Cells are text, NULL is an empty cell (JSON null).  `numeric` columns align right and are bare numbers
 * in JSON.  Cells are copied into the arena.
 */
struct dm_table {
    struct dm_arena *arena;
    const char **cols;
    bool *numeric, *boolean;
    size_t n_cols;
    const char ***rows;
    size_t n_rows, cap;
};

/* Columns as "run_id state rows#": # marks a numeric column, ? a boolean one (cells "true" or "false"). */
void dm_table_init(struct dm_table *t, struct dm_arena *a, const char *columns);
/* One cell per column. */
void dm_table_add(struct dm_table *t, const char *const *cells);
/* "load", or of a mapped task "load[3]". */
const char *dm_cell_instance(struct dm_arena *a, const char *task_id, int map_index);
#define DM_ROW(...) ((const char *const[]){__VA_ARGS__})
void dm_table_print(const struct dm_table *t, enum dm_print_form form, FILE *to);
/* Aligned, or JSON where --json was given. */
void dm_args_print(const struct dm_args *args, const struct dm_table *t);

/* "daymill: message", place, detail and hint on standard error. */
void dm_print_err(const struct dm_err *err);

/*
 * Progress of long work: a bar with rate and time left on a terminal, a plain line every few seconds otherwise,
 * nothing with --quiet.  On standard error.
 */
struct dm_progress {
    const char *what, *unit;
    int64_t started, last_shown;
    int64_t done, total; /* total 0 = not known */
    bool terminal, quiet, drawn;
};

void dm_progress_begin(struct dm_progress *p, const struct dm_args *args, const char *what,
                       const char *unit, int64_t total);
void dm_progress_set(struct dm_progress *p, int64_t done);
/* Takes the bar away, so that an ordinary line can be printed. */
void dm_progress_hide(struct dm_progress *p);
void dm_progress_end(struct dm_progress *p);

#endif
