/* base/time.h: the calendar both ways, ISO texts. */
#include "base/time.h"
#include "t.h"

static void every_day_of_ten_thousand_years_goes_round(void)
{
    int64_t day = dm_days_from_civil(1, 1, 1), last = dm_days_from_civil(9999, 12, 31);
    for (; day <= last; day++) {
        struct dm_civil c = dm_civil_from_us(day * DM_DAY);
        if (dm_days_from_civil(c.year, c.month, c.day) != day || !dm_civil_valid(&c)) {
            t_fail(__FILE__, __LINE__, "day %lld is %d-%d-%d", (long long)day, c.year, c.month,
                   c.day);
            return;
        }
    }
}

static void prints_and_parses_iso(void)
{
    char buf[DM_TIME_MAX];
    int64_t us = 0;
    T_OK(dm_time_parse(DM_STR("2024-02-29T23:59:59.250000Z"), &us));
    T_STR(dm_time_iso(us, buf), "2024-02-29T23:59:59.250000+00:00");
    T_OK(dm_time_parse(DM_STR("2024-01-01 01:00:00+01:00"), &us));
    T_STR(dm_time_isoz(us, buf), "2024-01-01T00:00:00Z");
    T_OK(dm_date_parse(DM_STR("2010-12-05"), &us));
    T_STR(dm_time_date(us, buf), "2010-12-05");
    T_OK(!dm_date_parse(DM_STR("2010-02-29"), &us));
    T_OK(!dm_date_parse(DM_STR("2010-12-5"), &us));
    T_OK(!dm_time_parse(DM_STR("2010-12-05T24:00"), &us));
}

static void knows_the_day_of_the_week(void)
{
    T_INT(dm_weekday(2010, 12, 4), 6);
    T_INT(dm_weekday(1969, 12, 28), 0);
}

T_MAIN(T_CASE(every_day_of_ten_thousand_years_goes_round), T_CASE(prints_and_parses_iso),
       T_CASE(knows_the_day_of_the_week))
