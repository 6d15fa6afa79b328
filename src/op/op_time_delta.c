/* `time_delta`, `date_time`, `time_of_day`: wait until a moment.  They need no second look: the moment is known. */
#include "base/clock.h"
#include "lang/timetable.h"
#include "lang/zone.h"
#include "op/op.h"
#include "op/sensor.h"

static const char *const delta_aliases[] = {
    "TimeDeltaSensor",
    "TimeDeltaSensorAsync",
    "airflow.sensors.time_delta.TimeDeltaSensor",
    "airflow.sensors.time_delta.TimeDeltaSensorAsync",
    "airflow.sensors.time_delta_sensor.TimeDeltaSensor",
    "airflow.providers.standard.sensors.time_delta.TimeDeltaSensor",
    "airflow.providers.standard.sensors.time_delta.TimeDeltaSensorAsync",
    NULL};
static const char *const date_aliases[] = {
    "DateTimeSensor",
    "DateTimeSensorAsync",
    "airflow.sensors.date_time.DateTimeSensor",
    "airflow.sensors.date_time.DateTimeSensorAsync",
    "airflow.sensors.date_time_sensor.DateTimeSensor",
    "airflow.providers.standard.sensors.date_time.DateTimeSensor",
    "airflow.providers.standard.sensors.date_time.DateTimeSensorAsync",
    NULL};
static const char *const time_aliases[] = {
    "TimeSensor",
    "TimeSensorAsync",
    "airflow.sensors.time_sensor.TimeSensor",
    "airflow.sensors.time_sensor.TimeSensorAsync",
    "airflow.providers.standard.sensors.time.TimeSensor",
    "airflow.providers.standard.sensors.time.TimeSensorAsync",
    NULL};

#define DEFERRABLE                                                          \
    {                                                                       \
        "deferrable", DM_FIELD_BOOL, false, false, "false",                 \
            "Accepted as in Airflow; a wait never holds a slot here.", NULL \
    }
static const struct dm_op_field delta_fields[] = {
    {"delta", DM_FIELD_DURATION, true, false, NULL,
     "How long after the end of the run's data interval.", NULL},
    DEFERRABLE,
    {NULL},
};
static const struct dm_op_field date_fields[] = {
    {"target_time", DM_FIELD_ANY, true, true, NULL,
     "The moment: a date with a time, e.g. \"{{ data_interval_end.replace(hour=11) }}\"; UTC "
     "where it has no zone.",
     NULL},
    DEFERRABLE,
    {NULL},
};
static const struct dm_op_field time_fields[] = {
    {"target_time", DM_FIELD_STRING, true, false, NULL,
     "The time of the day in the DAG's time zone, quoted: \"11:00\" or \"11:00:30\".  It has come "
     "on a day when it is later than that; the run's date plays no part.",
     NULL},
    DEFERRABLE,
    {NULL},
};

/* Come = it is later than that, as in Airflow. */
static int wait_for(struct dm_attempt *at, int64_t moment, struct dm_look *ret)
{
    char text[DM_TIME_MAX];
    if (dm_clock_now() > moment)
        return 1;
    ret->ready_at = moment + 1;
    ret->missing = dm_arena_printf(at->arena, "it is not yet %s", dm_time_isoz(moment, text));
    return 0;
}

static int look_delta(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    int64_t delta, moment;
    DM_TRY(dm_span_parse(dm_map_at(at->args, "delta"), &delta, reterr));
    if (__builtin_add_overflow(at->order->interval_end, delta, &moment))
        return dm_err_set(reterr, DM_E_LIMIT, "delta leads beyond all dates");
    return wait_for(at, moment, ret);
}

static int read_moment(const struct dm_value *v, int64_t *ret, struct dm_err *reterr)
{
    if (v->kind == DM_DATETIME) {
        *ret = v->time.us;
        return 0;
    }
    if (v->kind == DM_DATE) {
        *ret = v->i * DM_DAY;
        return 0;
    }
    if (v->kind != DM_STRING)
        return dm_err_set(reterr, DM_E_TYPE, "target_time must be a date with a time, not a %s",
                          dm_kind_name(v->kind));
    if (dm_time_parse(dm_str_trim(v->s), ret))
        return 0;
    dm_err_set(reterr, DM_E_INVALID, "target_time \"%.*s\" is no date with a time", DM_FMT(v->s));
    return dm_err_hint(reterr, "Write it as 2024-01-01T11:00:00+00:00.");
}

static int look_date(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    int64_t moment;
    DM_TRY(read_moment(dm_map_at(at->args, "target_time"), &moment, reterr));
    return wait_for(at, moment, ret);
}

static int check_date(const struct dm_value *args, struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_at(args, "target_time");
    int64_t ignored;
    if (!v || (v->kind == DM_STRING && dm_str_find(v->s, DM_STR("{"), 0) >= 0))
        return 0; /* a template: known when it is rendered */
    return read_moment(v, &ignored, reterr);
}

/* "11:00", "11:00:30", "11:00:30.5" -> microseconds since midnight. */
static int read_time(const struct dm_value *v, int64_t *ret, struct dm_err *reterr)
{
    char text[64];
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_str time = v->kind == DM_STRING ? dm_str_trim(v->s) : DM_STR("");
    snprintf(text, sizeof(text), "1970-01-01T%.*s", DM_FMT(time));
    if (time.len >= 5 && time.len < 20 && !strpbrk(dm_str_cstr(&a, time), "Z+-") &&
        dm_time_parse(dm_str_c(text), ret))
        return 0;
    dm_err_set(reterr, DM_E_INVALID, "target_time \"%.*s\" is no time of the day", DM_FMT(time));
    return dm_err_hint(reterr, "Write it quoted: \"11:00\" or \"11:00:30\".");
}

static int look_time(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    const char *name = at->order->timezone ? at->order->timezone : "UTC";
    const struct dm_zone *zone;
    int64_t time, now = dm_clock_now();
    DM_TRY(read_time(dm_map_at(at->args, "target_time"), &time, reterr));
    DM_TRY(dm_zone_load(at->arena, name, &zone, reterr));
    int64_t local = dm_zone_local(zone, now), of_day = local % DM_DAY;
    if (of_day < 0)
        of_day += DM_DAY;
    if (of_day > time)
        return 1;
    int64_t moment = dm_zone_instant(zone, local - of_day + time, false);
    ret->missing = dm_arena_printf(at->arena, "it is not yet %.*s in %s",
                                   DM_FMT(dm_map_str(at->args, "target_time", "")), name);
    if (moment >= now) /* else a clock change repeats this hour */
        ret->ready_at = moment + 1;
    return 0;
}

static int check_time(const struct dm_value *args, struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_at(args, "target_time");
    int64_t ignored;
    return v ? read_time(v, &ignored, reterr) : 0;
}

static int run_delta(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_sensor_run(at, look_delta, ret, reterr);
}

static int run_date(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_sensor_run(at, look_date, ret, reterr);
}

static int run_time(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_sensor_run(at, look_time, ret, reterr);
}

const struct dm_op dm_op_time_delta = {
    .spec = {.name = "time_delta",
             .aliases = delta_aliases,
             .doc = "Waits until a time after the end of the run's data interval.",
             .fields = delta_fields,
             .sensor = true},
    .execute = run_delta,
};
const struct dm_op dm_op_date_time = {
    .spec = {.name = "date_time",
             .aliases = date_aliases,
             .doc = "Waits until a moment.",
             .fields = date_fields,
             .check = check_date,
             .sensor = true},
    .execute = run_date,
};
const struct dm_op dm_op_time_of_day = {
    .spec = {.name = "time_of_day",
             .aliases = time_aliases,
             .doc = "Waits until a time of the day.",
             .fields = time_fields,
             .check = check_time,
             .sensor = true},
    .execute = run_time,
};
