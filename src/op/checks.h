/*
 * Data-quality checks with Airflow's vocabulary: conditions on a value, and what a failed check tells.
 */
#ifndef DM_CHECKS_H
#define DM_CHECKS_H

#include "op/staged.h"

enum { DM_CHECK_ROWS = 10 }; /* failing rows that are shown */

/* {equal_to | greater_than, geq_to, less_than, leq_to; tolerance}. */
struct dm_condition {
    bool has_equal, has_least, has_most;
    bool least_open, most_open; /* greater_than, less_than: the bound itself is out */
    double equal, least, most, tolerance;
};

/* `what` names the check in errors.  Refuses what Airflow refuses: no bound, equal_to beside another bound. */
int dm_condition_read(const struct dm_value *v, const char *what, struct dm_condition *ret,
                      struct dm_err *reterr) dm_nodiscard;
/* ">= 0 and < 100 (tolerance 1 %)" */
const char *dm_condition_text(struct dm_arena *a, const struct dm_condition *c);
bool dm_condition_holds(const struct dm_condition *c, double value);
/* The same for an expression of SQL: "amount_spent >= 0". */
const char *dm_condition_sql(struct dm_arena *a, const struct dm_condition *c, const char *value);

/*
 * The checks of one task: what they share, and what they found.  A check operator begins (a snapshot; the staged rows,
 * where it names a table), reports each check with dm_checks_add, and ends: XCom `staged`, or one error for all checks
 * that failed, which has for each what was expected, what was found, failing rows and the SQL that finds them.
 */
struct dm_check;
struct dm_checks {
    struct dm_attempt *at;
    struct dm_pg *pg;
    const char *table;       /* NULL = none is named */
    struct dm_str partition; /* may be empty */
    struct dm_staged staged;
    struct dm_check *list;    /* in the order of dm_checks_add */
    struct dm_value *figures; /* map name -> count, for the ledger; NULL = none */
    size_t n, n_failed;
};

/* One check and its outcome; texts live in the attempt's arena. */
struct dm_check {
    struct dm_check *next;
    const char *name, *expected, *got;
    bool passed;
    const char *note;            /* NULL = none */
    const char *asked;           /* the SQL that decided */
    const char *failing;         /* the SQL that finds rows that fail; NULL = there is none */
    const struct dm_value *rows; /* what it found, and the same as a table for people */
    const char *shown;
};

/* Runs `body` in one snapshot (repeated after a conflict) between begin and end, as said above.  *ret_figures is
   the XCom value: the figures as a map, or NULL. */
int dm_checks_run(struct dm_attempt *at, int (*body)(struct dm_checks *c, struct dm_err *reterr),
                  const struct dm_value **ret_figures, struct dm_err *reterr) dm_nodiscard;

/* Adds one check (copied).  Rows are looked for when all checks are done, and only for failed ones. */
void dm_checks_add(struct dm_checks *c, const struct dm_check *check);

/* "(a) AND (b)" of the conditions that are not empty, with " WHERE " before it; "" where all are.  A ";" in one is
   refused, as in Airflow. */
int dm_checks_where(struct dm_arena *a, const struct dm_str *conditions, size_t n, const char **ret,
                    struct dm_err *reterr) dm_nodiscard;

#endif
