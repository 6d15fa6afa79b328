/* Rendering templates: errors with their place, limits, native values, checks at load. */
#include "lang/template.h"

#include "base/time.h"
#include "t.h"

static struct dm_arena arena;

static int no_file(void *user, struct dm_str name, struct dm_str *ret, struct dm_err *reterr)
{
    if (!dm_str_is(name, "self.sql"))
        return 0;
    *ret = DM_STR("{% include 'self.sql' %}");
    return 1;
}

static struct dm_context context(void)
{
    static const int64_t day = INT64_C(1291248000) * DM_SEC; /* 2010-12-02 */
    struct dm_value *params = dm_value_map(&arena);
    dm_map_set(&arena, params, "limit", dm_value_int(&arena, 25));
    dm_map_set(&arena, params, "list", dm_value_list(&arena, 0));
    return (struct dm_context){
        .dag_id = "user_behaviour",
        .task_id = "extract",
        .run_id = "scheduled__2010-12-02T00:00:00+00:00",
        .run_type = "scheduled",
        .owner = "ana",
        .timezone = "UTC",
        .schedule = "@daily",
        .logical_date = day,
        .interval_start = day,
        .interval_end = day + DM_DAY,
        .prev_interval_start_success = DM_NEVER,
        .prev_interval_end_success = DM_NEVER,
        .prev_start_date_success = DM_NEVER,
        .prev_end_date_success = DM_NEVER,
        .try_number = 1,
        .map_index = -1,
        .now = day + DM_DAY,
        .params = params,
        .file = no_file,
    };
}

static int render(const char *text, struct dm_str *ret, struct dm_err *reterr)
{
    struct dm_context c = context();
    const struct dm_template *t;
    struct dm_place place = {.file = "dags/x.yaml", .line = 10, .col = 5};
    DM_TRY(dm_template_parse(&arena, dm_str_c(text), place, &t, reterr));
    return dm_template_render(&arena, t, &c, ret, reterr);
}

static void days_and_params_are_there(void)
{
    struct dm_err err;
    struct dm_str s;
    T_TRY(render("day='{{ ds }}' and q > {{ params.limit }}\n", &s, &err), err);
    T_DMSTR(s, "day='2010-12-02' and q > 25");
    T_TRY(render("{{ ts }} {{ task_instance_key_str }} {{ macros.ds_add(ds, 7) }}", &s, &err), err);
    T_DMSTR(s, "2010-12-02T00:00:00+00:00 user_behaviour__extract__20101202 2010-12-09");
}

/* Each from a difference to Airflow 2.10.5 with Jinja2 3.1.5 and Pendulum 3.0.0. */
static void answers_are_those_of_the_original(void)
{
    static const char *const cases[][2] = {
        {"{{ logical_date.format('a W WW ww wo e eo EE YYY SSSSSSS') }}",
         "a W WW ww 48th 4 5th EE 102010 SSSSSSS"},
        {"{{ logical_date.format('[a] b] [c] \\\\Y') }}", "a] b c Y"},
        {"{{ logical_date.naive().format('[x]Z ZZ z zz') }}", "x   "},
        {"{{ logical_date.end_of('day').to_w3c_string() }}", "2010-12-02T23:59:59+00:00"},
        {"{{ logical_date.to_rss_string() }}", "Thu, 02 Dec 2010 00:00:00 +0000"},
        {"{{ logical_date.to_rfc850_string() }}", "Thursday, 02-Dec-10 00:00:00 UTC"},
        {"{{ logical_date.at(9, 5) }}", "2010-12-02 09:05:00+00:00"},
        {"{{ logical_date.on(2024, 2, 29).is_leap_year() }}", "True"},
        {"{{ logical_date.nth_of('month', 2, 0).to_date_string() }}", "2010-12-13"},
        {"{{ logical_date.is_long_year() }} {{ logical_date.set(year=2015).is_long_year() }}",
         "False True"},
        {"{{ logical_date.is_past() }} {{ logical_date.add(years=1).is_future() }}", "True True"},
        {"{{ (data_interval_end - data_interval_start).total_hours() }}", "24.0"},
        {"{{ (data_interval_end - data_interval_start).as_timedelta() }}", "1 day, 0:00:00"},
        {"{{ '{:YYYY/MM}'.format(logical_date) }}", "2010/12"},
        {"{{ '{:%d.%m.}'.format(logical_date) }}", "02.12."},
        {"{{ range(6) | slice(3, 'x') | list }}", "[[0, 1, 'x'], [2, 3, 'x'], [4, 5, 'x']]"},
        {"{{ 'ab' | batch(0) | list }} {{ [] | batch(2, 'x') | list }}", "[[], ['a', 'b']] []"},
        {"{% for x in 'ab' %}{{ loop }}{% endfor %}", "<LoopContext 1/2><LoopContext 2/2>"},
        {"{{ range(2, 9, 3).step }}", "3"},
        {"{{ 'a b'.isprintable() }}", "True"},
        {"{{ logical_date.at(9, 5).time() }} {{ logical_date.at(9).time().hour }}", "09:05:00 9"},
        {"{{ logical_date.time().isoformat(timespec='minutes') }} {{ logical_date.timetz() }}",
         "00:00 00:00:00+00:00"},
        {"{{ logical_date.isoformat(timespec='milliseconds') }}", "2010-12-02T00:00:00.000+00:00"},
        {"{{ logical_date.timetuple().tm_yday }} {{ logical_date.utctimetuple()[0] }}", "336 2010"},
        {"{{ logical_date.isocalendar() }}",
         "datetime.IsoCalendarDate(year=2010, week=48, weekday=4)"},
        {"{{ logical_date.instance(macros.datetime(2020, 1, 2)) }}", "2020-01-02 00:00:00+00:00"},
        {"{{ logical_date.min }} {{ logical_date.date().resolution }}",
         "0001-01-01 00:00:00+00:00 1 day, 0:00:00"},
        {"{{ logical_date.strftime('%5d %010Y %-5H %#Z %Ey %Om %Q') }}",
         "00002 0000002010     0 utc 10 12 %Q"},
        {"{{ logical_date.tzinfo.name }} {{ logical_date.replace(tzinfo=none) }}",
         "UTC 2010-12-02 00:00:00"},
        {"{{ macros.datetime(2020, 1, 2, tzinfo=macros.dateutil.tz.UTC) }}",
         "2020-01-02 00:00:00+00:00"},
        {"{{ macros.dateutil.relativedelta.relativedelta(months=17, hours=-25, day=31) }}",
         "relativedelta(years=+1, months=+5, days=-1, hours=-1, day=31)"},
        {"{{ logical_date + macros.dateutil.relativedelta.relativedelta(months=3, day=31) }}",
         "2011-03-31 00:00:00+00:00"},
        {"{{ logical_date - macros.dateutil.relativedelta.relativedelta(months=10, days=-29) }}",
         "2010-03-03 00:00:00+00:00"},
        {"{% set r = macros.dateutil.relativedelta %}"
         "{{ logical_date + r.relativedelta(weekday=r.FR(-1)) }} "
         "{{ (logical_date + r.relativedelta(day=1, weekday=r.MO(2))).day }}",
         "2010-11-26 00:00:00+00:00 13"},
        {"{{ logical_date.date() + macros.dateutil.relativedelta.relativedelta(hours=6) }}",
         "2010-12-02 06:00:00"},
        {"{{ macros.dateutil.parser.parse('19 May 2020') }}", "2020-05-19 00:00:00"},
        {"{{ macros.dateutil.parser.parse('5/19/2020 3:07 pm') }}", "2020-05-19 15:07:00"},
        {"{{ macros.dateutil.parser.parse('3.4.21', dayfirst=true) }}", "2021-04-03 00:00:00"},
        {"{{ macros.dateutil.parser.parse('20200519T103000-0330') }}", "2020-05-19 10:30:00-03:30"},
        {"{{ macros.dateutil.parser.parse('12am 2020-05-05') }}", "2020-05-05 00:00:00"},
        {"{{ macros.time.strftime('%Y', macros.time.gmtime(0)) }}", "1970"},
        {"{{ macros.ds_add(ds, 1.5) }}", "2010-12-03"},
        {"{{ macros.timedelta(hours=-5) | abs }}", "5:00:00"},
        {"{{ '(see http://x.com/a_(b)), me@x.org.' | urlize }}",
         "(see <a href=\"http://x.com/a_(b)\" rel=\"noopener\">http://x.com/a_(b)</a>), "
         "<a href=\"mailto:me@x.org\">me@x.org</a>."},
        {"{{ 'example.com/a x.com ftp:y <b>' | urlize(4, true, '_top', extra_schemes=['ftp:']) }}",
         "<a href=\"https://example.com/a\" rel=\"nofollow noopener\" target=\"_top\">exam...</a> "
         "x.com <a href=\"ftp:y\" rel=\"nofollow noopener\" target=\"_top\">ftp:y</a> &lt;b&gt;"},
        {"{{ var }}", "{'json': None, 'value': None}"},
        {"{{ 'x' if 1e400 > 1 }}{{ 1e400 }} {{ 'nan' | float }} {{ [1e400] }}", "xinf nan [inf]"},
        {"{{ params.limit / (1e400 if false else 5) }}", "5.0"},
        {"{{ [3, 'a'] | map('abs') | first }}", "3"},
        {"{{ [5, 'a'] | select('gt', 3) is defined }}", "True"},
        {"{{ range(3) | map('string') | reverse }}", "['2', '1', '0']"},
        {"{{ [1, {}] | tojson(indent='--') }}", "[\n--1,\n--{}\n]"},
        {"{{ [{'k': 2}, {'k': 1}] | groupby('k') | min }}", "(1, [{'k': 1}])"},
        {"{{ '{:5c}|{0[real]}|{0.real}'.format(65) if false else '{:5c}|'.format(65) }}", "    A|"},
        {"{{ '%.5d|%+5.2x|%.0c' % (42, 10, 'x') }}", "00042|  +0a|x"},
        {"{{ '{0[real]}{0.imag}'.format(7) }}", "70"},
        {"{{ (5).bit_length() }} {{ 0.75.as_integer_ratio() }} {{ 0.5.hex() }}",
         "3 (3, 4) 0x1.0000000000000p-1"},
        {"{{ 'abc'.translate({97: 'x', 98: none}) }} {{ 'ab'.maketrans('a', 'b') }}",
         "xc {97: 98}"},
        {"{{ ' a  b c '.split(none, 1) }} {{ ' a  b c '.rsplit(none, 1) }}",
         "['a', 'b c '] [' a  b', 'c']"},
        {"{{ 'ﬁx ﬂ' | title }} {{ 'ﬁß' | upper }} {{ 'ΟΔΟΣ ΣΑ' | lower }}", "FIx FL FISS οδος σα"},
        {"{{ {1: 'a', none: 2} | pprint }}", "{None: 2, 1: 'a'}"},
        {"{{ 'scheduled__2024-02-29T00' | wordwrap(10, wrapstring='|') }}",
         "scheduled_|_2024-02-|29T00"},
        {"{{ -0.5 | filesizeformat }} {{ -0.0 | abs }}", "0 Bytes 0.0"},
        {"{{ {'a': 1}[1:2] | default('d') }}", "d"},
        {"{% macro m() %}{{ caller }}{% endmacro %}{% call m() %}{% endcall %}"
         "{{ m.explicit_caller }}",
         "<Macro anonymous>False"},
        {"{% raw %}", ""},
        {"{{ logical_date.closest(ti.execution_date.add(days=2), logical_date.add(days=-1)).day }} "
         "{{ logical_date.farthest(logical_date.add(days=2), logical_date.add(days=-1)).day }}",
         "1 4"},
        {"{{ macros.json.loads('[NaN, -Infinity, 12345678901234567890123, 1e2, \"\\\\u00e9\"]') }}",
         "[nan, -inf, 12345678901234567890123, 100.0, 'é']"},
        {"{{ macros.json.loads(' {\"a\": {}, \"a\": [] } ').a }}", "[]"},
        {"{{ '%a' % 'é' }} {{ '{!a}'.format('ﬁ') }}", "'\\xe9' '\\ufb01'"},
        {"{{ (1 if false) | upper }}{{ -0.0 | round(1, 'ceil') }}", "0.0"},
        {"{{ (10 ** 24) | filesizeformat }}", "1000.0 ZB"},
        {"{{ (data_interval_start - data_interval_end.add(days=9, hours=1)).as_duration() }}",
         "-1 week -3 days -1 hour"},
        {"{{ ((data_interval_end - data_interval_start) * 2) | pprint }}", "Duration(days=2)"},
        {"{{ data_interval_end + (data_interval_end - logical_date.subtract(months=1)) }}",
         "2011-01-04 00:00:00+00:00"},
        {"{{ logical_date.diff(logical_date.subtract(seconds=1), false).in_days() }}", "-1"},
        {"{{ logical_date.date() - data_interval_end }}", "<Interval [2010-12-03 -> 2010-12-02]>"},
        {"{{ (logical_date - logical_date.add(days=10)).total_weeks() }}", "-1.4285714285714286"},
        {"{% set r = macros.dateutil.relativedelta %}"
         "{{ logical_date.in_timezone('America/New_York') + r.relativedelta(months=4, "
         "weekday=r.TH(2)) }} {{ r.relativedelta(weekday=0) }}",
         "2011-04-14 19:00:00-04:00 relativedelta(weekday=MO)"},
        {"{% set r = macros.dateutil.relativedelta %}"
         "{{ (logical_date + r.relativedelta(yearday=60)).date() }} "
         "{{ r.relativedelta(day=1) + r.relativedelta(day=2, weekday=1) }}",
         "2010-03-01 relativedelta(day=2, weekday=TU)"},
        {"{{ logical_date.in_timezone('America/New_York') + macros.timedelta(days=200) }}",
         "2011-06-19 20:00:00-04:00"},
        {"{{ logical_date.strftime('%5ET|%12EV|%^Ea|%0Oz|%^12s|%_3Oz') }}",
         "00:00:00|       %12EV|%^EA|+0000|  1291248000|  +   0"},
        {"{{ logical_date.in_timezone(1) }} {{ logical_date.subtract(years=3).age }}",
         "2010-12-02 01:00:00+01:00 3"},
        {"{{ macros.datetime.fromisoformat('20240501T1030') }} "
         "{{ macros.datetime.fromisoformat('2024-W18-3 10:30:15.25+02:00') }}",
         "2024-05-01 10:30:00 2024-05-01 10:30:15.250000+02:00"},
        {"{{ macros.datetime(2024, 5, 1).fromisocalendar(2024, 18, 3) }} "
         "{{ macros.datetime.combine(logical_date, logical_date.at(9).time()) }}",
         "2024-05-01 00:00:00 2010-12-02 09:00:00"},
        {"{{ macros.ds_format_locale(ds, '%Y-%m-%d', \"G Q QQQ w W F e ccc EEEEE d. LLL ''yy\") }}",
         "AD 4 Q4 49 1 1 5 Thu T 2. Dec '10"},
        {"{{ macros.ds_format_locale(ds, '%Y-%m-%d', 'EEEE, d. MMMM yyyy', 'de_DE') }}",
         "Donnerstag, 2. Dezember 2010"},
        {"{{ macros.ds_format_locale(ds, '%Y-%m-%d', 'long', 'fr_FR') }} "
         "{{ macros.ds_format_locale(ds, '%Y-%m-%d', 'w e ww', 'en_GB') }}",
         "2 décembre 2010, 00:00:00 TU 48 4 48"},
    };
    static const char *const errors[][2] = {
        {"{{ nope in 'abc' }}", "type"},
        {"{{ '%c' % 'ab' }}", "type"},
        {"{{ '%c' % -1 }}", "overflow"},
        {"{{ nope is filter }}", "undefined"},
        {"{{ [1] is test }}", "type"},
        {"{{ cycler() }}", "other"},
        {"{{ params.nope | tojson }}", "type"},
        {"{{ params.nope | filesizeformat }}", "undefined"},
        {"{{ [1] | indent }}", "attribute"},
        {"{{ params.limit * 1e400 }}", "other"},
        {"{{ 1e400 | int }}", "other"},
        {"{% if false %}{{ ''.x ~ 'a' }}{% endif %}", "undefined"},
        {"{{ [3, 'a'] | map('abs') | list }}", "type"},
        {"{{ ds | items | list }}", "type"},
        {"{{ 'x' | batch('y', 0) | list }}", "type"},
        {"{{ 1 | map() | list }}", "template"},
        {"{{ [1] | map('string') }}", "type"},
        {"{{ ds.upper }}", "type"},
        {"{{ ds.encode() }}", "type"},
        {"{{ ti.xcom_pull(['nope']) or 1 }}", "type"},
        {"{{ '{:+c}'.format(65) }}", "value"},
        {"{{ '{-1}'.format(1) }}", "key"},
        {"{{ '{0[0]:5}'.format(1) }}", "type"},
        {"{{ '%5%' % 1 }}", "value"},
        {"{{ '%*y' % (1,) }}", "type"},
        {"{{ '{:,n}'.format(1) }}", "value"},
        {"{{ '%x' % nope }}", "type"},
        {"{{ '%5%' % () }}", "type"},
        {"{{ nope | round(1, 'ceil') }}", "undefined"},
        {"{{ macros.json.loads('{\"a\" 1}') }}", "value"},
        {"{{ macros.json.loads('[1] 2') }}", "value"},
        {"{% for a, in [[1]] %}{% endfor %}", "syntax"},
        {"{% include none %}", "not_found"},
        {"{{ ti.logical_date }}", "undefined"},
        {"{{ macros.json.dumps(params.nope) }}", "type"},
        {"{{ (data_interval_end - logical_date).in_words('de') }}", "value"},
        {"{{ logical_date.date().isoformat('T') }}", "type"},
        {"{{ logical_date.date().format('HH') }}", "attribute"},
        {"{{ macros.datetime.fromisoformat('2024-W54') }}", "value"},
        {"{{ macros.ds_format_locale(ds, '%Y-%m-%d', 'ddd') }}", "value"},
        {"{{ macros.ds_format_locale(ds, '%Y-%m-%d', 'g') }}", "key"},
        {"{{ macros.ds_format_locale(ds, '%Y-%m-%d', 'd', 'xx') }}", "other"},
        {"{{ macros.dateutil.parser.parse('soon') }}", "value"},
        {"{{ macros.dateutil.parser.parse('2020-02-31') }}", "value"},
        {"{{ macros.dateutil.relativedelta.relativedelta(moons=1) }}", "type"},
        {"{{ logical_date.isoformat(timespec='days') }}", "value"},
        {"{{ logical_date.add(years=9999) }}", "value"},
        {"{{ logical_date.date().add(minutes=1) }}", "type"},
        {"{{ logical_date.naive().diff_for_humans(ti.execution_date) }}", "type"},
        {"{{ logical_date.diff(logical_date.date()) }}", "value"},
        {"{{ macros.datetime_diff_for_humans(logical_date.naive(), logical_date) }}", "type"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dm_err err;
        struct dm_str s = {NULL, 0};
        T_TRY(render(cases[i][0], &s, &err), err);
        T_DMSTR(s, cases[i][1]);
    }
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct dm_err err = {0};
        struct dm_str s;
        T_OK(render(errors[i][0], &s, &err) < 0);
        T_STR(err.detail, errors[i][1]);
    }
}

static void errors_say_where_and_of_what_class(void)
{
    static const struct {
        const char *text, *word;
        int line, col;
    } cases[] = {
        {"{{ nope }}", "undefined", 10, 8},
        {"a\nb {{ params.nope }}", "undefined", 11, 6},
        {"\n\n{{ 1 + }}", "syntax", 12, 8},
        {"{{ ds | nosuch }}", "syntax", 10, 13},
        {"{{ 1 + 'a' }}", "type", 10, 10},
        {"{{ 1 // 0 }}", "zero_division", 10, 10},
        {"{{ ''.__class__ }}", "security", 10, 8},
        {"{{ macros.ds_add('x', 1) }}", "value", 10, 15},
        {"{% include 'nope.sql' %}", "not_found", 10, 8},
        {"{{ conf.get('core', 'x') }}", "security", 10, 8},
        {"{{ [1] | random }}", "security", 10, 14},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dm_err err = {0};
        struct dm_str s;
        T_OK(render(cases[i].text, &s, &err) < 0);
        T_STR(err.detail, cases[i].word);
        T_STR(err.file, "dags/x.yaml");
        T_INT(err.line, cases[i].line);
        T_INT(err.col, cases[i].col);
    }
}

static void nothing_runs_away(void)
{
    static const char *const cases[] = {
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% include 'self.sql' %}",
        "{{ 'x' * 999999999 }}",
        "{{ [0] * 99999999 }}",
        "{{ 10 ** 99999 }}",
        "{% set l = [] %}{% do l.append(l) %}",
        "{% for i in range(9999) %}{{ 'x' * 9999 }}{% endfor %}",
        "{{ 'x' | center(99999999) }}",
        "{{ '%99999999d' % 1 }}",
        "{{ '{:99999999}'.format(1) }}",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dm_err err = {0};
        struct dm_str s;
        if (render(cases[i], &s, &err) >= 0)
            t_fail(__FILE__, __LINE__, "not refused: %s", cases[i]);
    }
}

static void deep_nesting_is_refused(void)
{
    struct dm_strbuf b;
    struct dm_err err = {0};
    struct dm_str s;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_strbuf_adds(&b, "{{ ");
    for (int i = 0; i < 5000; i++)
        dm_strbuf_addc(&b, '(');
    dm_strbuf_addc(&b, '1');
    for (int i = 0; i < 5000; i++)
        dm_strbuf_addc(&b, ')');
    dm_strbuf_adds(&b, " }}");
    T_INT(render(b.p, &s, &err), DM_E_LIMIT);
    dm_strbuf_clear(&b);
    dm_strbuf_adds(&b, "{{ 1");
    for (int i = 0; i < 5000; i++)
        dm_strbuf_adds(&b, " + 1");
    dm_strbuf_adds(&b, " }}");
    T_INT(render(b.p, &s, &err), DM_E_LIMIT);
    dm_strbuf_clear(&b);
    for (int i = 0; i < 5000; i++)
        dm_strbuf_adds(&b, "{% if 1 %}");
    T_INT(render(b.p, &s, &err), DM_E_LIMIT);
    dm_strbuf_release(&b);
}

/* A template may change its lists, never those of the run. */
static void params_are_a_copy(void)
{
    struct dm_context c = context();
    struct dm_err err;
    const struct dm_template *t;
    struct dm_str s;
    T_TRY(dm_template_parse(&arena, DM_STR("{% do params.list.append(1) %}{{ params.list }}"),
                            (struct dm_place){0}, &t, &err),
          err);
    for (int i = 0; i < 2; i++) {
        T_TRY(dm_template_render(&arena, t, &c, &s, &err), err);
        T_DMSTR(s, "[1]");
    }
    T_INT(dm_map_at(c.params, "list")->list.n, 0);
}

static void native_values_keep_their_kind(void)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"{{ params.limit }}", "25"},
        {"{{ [1, ds] }}", "[1, \"2010-12-02\"]"},
        {"{{ params.limit }}0", "250"},
        {"[{{ params.limit }}, 'a']", "[25, \"a\"]"},
        {"{{ none }}", "null"},
        {"day {{ ds }}", "\"day 2010-12-02\""},
        {"true", "\"true\""},
        {"True", "true"},
        {"{# c #}{{ '-5' }}", "-5"},
        {"{{ ' 5' }}", "\" 5\""},
        {"{% if false %}x{% endif %}", "null"},
        {"{% macro m() %}{{ params.limit }}{% endmacro %}{{ m() + 1 }}", "26"},
        {"{% set x %}[1, 2]{% endset %}{{ x[1] }}", "2"},
        {"{% for x in [1] %}{{ [x] }}{% endfor %}", "[1]"},
        {"{{ '0x1f' }}, 1_0, .5, 1e3 # so", "[31, 10, 0.5, 1000.0]"},
        {"{{ \"r'\\\\n' 'a' \" }}", "\"\\\\na\""},
        {"('a', [None,\n{'k': -1}],)", "[\"a\", [null, {\"k\": -1}]]"},
        {"{{ '007' }}", "\"007\""},
        {"{{ '--5' }}", "\"--5\""},
        {"{{ '[1, 2' }}", "\"[1, 2\""},
    };
    struct dm_context c = context();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dm_err err;
        const struct dm_template *t;
        const struct dm_value *v;
        T_TRY(dm_template_parse(&arena, dm_str_c(cases[i].text), (struct dm_place){0}, &t, &err),
              err);
        T_TRY(dm_template_render_native(&arena, t, &c, &v, &err), err);
        T_DMSTR(dm_value_json(&arena, v), cases[i].json);
    }
}

static void native_errors_have_a_place(void)
{
    struct dm_err err = {0};
    struct dm_context c = {.dag_id = "d"};
    const struct dm_template *t;
    const struct dm_value *v;
    T_TRY(
        dm_template_parse(&arena, DM_STR("{{ nothing }}"), (struct dm_place){"f", 7, 9}, &t, &err),
        err);
    T_INT(dm_template_render_native(&arena, t, &c, &v, &err), DM_E_UNDEFINED);
    T_STR(err.file, "f");
    T_INT(err.line, 7);
}

static void names_are_those_from_outside(void)
{
    struct dm_err err;
    const struct dm_template *t;
    const char *text =
        "{% set a = ds %}{{ a }}{% for x in params.l %}{{ x }}{{ loop.index }}{% endfor %}"
        "{% macro m(p) %}{{ p }}{{ q }}{% endmacro %}{{ m(1) }}{{ z is defined }}";
    T_TRY(dm_template_parse(&arena, dm_str_c(text), (struct dm_place){0}, &t, &err), err);
    const char *const *names = dm_template_names(t);
    T_STR(names[0], "ds");
    T_STR(names[1], "params");
    T_STR(names[2], "q");
    T_OK(!names[3]);
}

struct found {
    int n;
    struct dm_err last;
};

static void collect(void *user, const struct dm_err *err)
{
    struct found *f = user;
    f->n++;
    f->last = *err;
}

static void checks_find_mistakes_at_load(void)
{
    static struct found f;
    struct dm_value *map = dm_value_map(&arena);
    dm_map_set(&arena, map, "good", dm_value_cstr(&arena, "{{ ds }} {{ range(3) | list }}"));
    struct dm_value *text = dm_value_cstr(&arena, "{{ dss }}");
    text->line = 7;
    text->col = 9;
    dm_map_set(&arena, map, "bad", text);
    dm_check_templates(map, (struct dm_place){.file = "dags/y.yaml"}, collect, &f);
    T_INT(f.n, 1);
    T_INT(f.last.line, 7);
    T_INT(f.last.col, 12);
    T_STR(f.last.hint, "Did you mean \"ds\"?");
    dm_map_set(&arena, map, "bad", dm_value_cstr(&arena, "{{ ds | uper }}"));
    dm_check_templates(map, (struct dm_place){.file = "dags/y.yaml"}, collect, &f);
    T_INT(f.n, 2);
    T_STR(f.last.hint, "Did you mean \"upper\"?");
    dm_map_set(&arena, map, "bad",
               dm_value_cstr(&arena, "{% if ds %}{{ [1] | map('abs') }}{% endif %}"));
    dm_check_templates(map, (struct dm_place){.file = "dags/y.yaml"}, collect, &f);
    T_INT(f.n, 3);
    T_INT(f.last.col, 21);
}

T_MAIN(T_CASE(days_and_params_are_there), T_CASE(answers_are_those_of_the_original),
       T_CASE(errors_say_where_and_of_what_class), T_CASE(nothing_runs_away),
       T_CASE(deep_nesting_is_refused), T_CASE(params_are_a_copy),
       T_CASE(native_values_keep_their_kind), T_CASE(native_errors_have_a_place),
       T_CASE(names_are_those_from_outside), T_CASE(checks_find_mistakes_at_load))
