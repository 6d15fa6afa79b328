/* Dates in templates: the pieces that the files about dates share. */
#ifndef DM_TEMPLATE_TIME_H
#define DM_TEMPLATE_TIME_H

#include "base/time.h"
#include "lang/object.h"

/* A date or instant as its clock shows it. */
struct dm_shown {
    struct dm_civil civil;
    int64_t local;  /* microseconds of the wall clock */
    int64_t offset; /* to UTC, microseconds */
    const char *abbreviation;
    bool dst, naive;
};

int dm_shown(struct dm_eval *e, const struct dm_value *v, struct dm_shown *ret) dm_nodiscard;
/* The value like `as` (zone, kind) whose clock shows `local`; years 1 to 9999. */
int dm_time_like(struct dm_eval *e, const struct dm_value *as, int64_t local,
                 const struct dm_value **ret) dm_nodiscard;
/* The same in a zone: an object, a name, or none for no zone at all. */
int dm_time_of_zone(struct dm_eval *e, const struct dm_value *as, int64_t local,
                    const struct dm_value *zone, const struct dm_value **ret) dm_nodiscard;
/* An instant in another zone ("+02:00" or a name of the tz database). */
int dm_time_in_zone(struct dm_eval *e, const struct dm_value *v, struct dm_str zone,
                    const struct dm_value **ret) dm_nodiscard;
/* A time zone as an object: prints its name; a name of the tz database or "+02:00". */
const struct dm_value *dm_timezone(struct dm_eval *e, const char *name);
/* Its name, or NULL where the value is none. */
const char *dm_timezone_name(const struct dm_value *v);
const struct dm_value *dm_date_value(struct dm_eval *e, int64_t days);
const struct dm_value *dm_delta_value(struct dm_eval *e, int64_t us);
/* Adds months to a wall clock time; the day is cut to the month's length. */
int64_t dm_add_months(int64_t local, int64_t months);

/* A tuple whose items have names, which end with NULL. */
struct dm_named {
    const char *const *names;
    const struct dm_value *tuple;
};
const struct dm_value *dm_iso_calendar(struct dm_eval *e, const struct dm_civil *c);
const struct dm_value *dm_struct_time(struct dm_eval *e, const struct dm_civil *c, int dst);
bool dm_struct_time_civil(const struct dm_value *v, struct dm_civil *ret);

/* The time of day of a date as an object; its text with Python's timespec ("auto", "minutes" …). */
const struct dm_value *dm_clock(struct dm_eval *e, const struct dm_value *v,
                                const struct dm_shown *t, bool with_zone);
int dm_clock_text(struct dm_eval *e, const struct dm_civil *c, struct dm_str spec,
                  struct dm_strbuf *b) dm_nodiscard;

int dm_check_year(struct dm_eval *e, int64_t local) dm_nodiscard;
extern const char *const dm_month_names[12], *const dm_day_names[7]; /* Monday first */
int dm_iso_week(const struct dm_civil *c, int *ret_year);            /* 1 to 53 */
int dm_day_of_year(const struct dm_civil *c);
int dm_weekday_monday(const struct dm_civil *c); /* 0 = Monday */
const char *dm_offset_text(struct dm_eval *e, int64_t offset, const char *colon);
/* Pendulum's format(): "YYYY-MM-DD". */
int dm_pendulum_format(struct dm_eval *e, const struct dm_value *v, struct dm_str format,
                       struct dm_strbuf *b) dm_nodiscard;

/* Babel's format_datetime(): a pattern of Unicode's locale data, or its name; "de_DE" (locales.def). */
int dm_format_locale(struct dm_eval *e, const struct dm_value *v, struct dm_str pattern,
                     struct dm_str locale, struct dm_strbuf *b) dm_nodiscard;

/* The distance of two instants or dates, for x - y, diff() … */
const struct dm_value *dm_interval(struct dm_eval *e, const struct dm_value *start,
                                   const struct dm_value *end, bool absolute);
/* A method's locale: English, or none. */
int dm_check_english(struct dm_eval *e, const struct dm_call *c, size_t i) dm_nodiscard;
/* "2 months before". */
int dm_humans(struct dm_eval *e, const struct dm_value *v, const struct dm_value *other,
              bool absolute, const struct dm_value **ret) dm_nodiscard;
int64_t dm_instant_of(const struct dm_value *v); /* of DATETIME or DATE */

#endif
