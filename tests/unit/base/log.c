/* base/log.h: what a line has, in both forms; secrets; the order of the context. */
#include "base/log.h"

#include "t.h"

static struct dm_strbuf got;

static void keep(void *user, struct dm_str line)
{
    (*(int *)user)++;
    dm_strbuf_addstr(&got, line);
}

/* What follows the time, which no test can know. */
static const char *after_ts(void)
{
    const char *p = strstr(got.p, "level");
    return p ? p : "(no level)";
}

static void begin(int *lines, bool json, enum dm_log_level least)
{
    *lines = 0;
    dm_strbuf_release(&got);
    dm_strbuf_init(&got, DM_BUF_TEXT);
    dm_log_open_sink(keep, lines, json, least, "scheduler");
}

static void a_line_has_its_context_from_the_outside_in(void)
{
    int lines;
    struct dm_log_field dag, task;
    begin(&lines, false, DM_LOG_INFO);
    dm_log_push(&dag, "dag", "shop");
    dm_log_push(&task, "task", "a b");
    dm_log(DM_LOG_INFO, "queued %d", 1);
    T_STR(after_ts(), "level=info comp=scheduler dag=shop task=\"a b\" msg=\"queued 1\"\n");
    dm_log_pop(&task);
    dm_log_pop(&dag);

    begin(&lines, true, DM_LOG_INFO);
    dm_log_push(&dag, "dag", "shop");
    dm_log(DM_LOG_WARN, "a \"b\"");
    T_STR(after_ts(), "level\":\"warn\",\"comp\":\"scheduler\",\"dag\":\"shop\",\"msg\":\"a "
                      "\\\"b\\\"\"}\n");
    dm_log_pop(&dag);
}

static void what_is_below_the_level_is_not_written(void)
{
    int lines;
    begin(&lines, true, DM_LOG_WARN);
    dm_log(DM_LOG_INFO, "quiet");
    dm_log(DM_LOG_WARN, "loud");
    T_INT(lines, 1);
    T_HAS(got.p, "loud");
}

static void a_failure_is_one_line_with_all_that_is_known(void)
{
    int lines;
    struct dm_err err;
    begin(&lines, false, DM_LOG_INFO);
    dm_err_set(&err, DM_E_SYNTAX, "no such thing\nat all");
    dm_err_at(&err, "dags/a.yaml", 3, 7);
    dm_err_detail(&err, "First.\nSecond.");
    dm_err_hint(&err, "Remove it.");
    dm_log_err(DM_LOG_ERROR, &err);
    T_INT(lines, 1);
    T_STR(after_ts(), "level=error comp=scheduler msg=\"no such thing\\nat all\" code=SYNTAX "
                      "at=dags/a.yaml:3:7 detail=\"First.\\nSecond.\" hint=\"Remove it.\"\n");
}

static void nothing_in_a_value_reaches_the_terminal_as_a_command(void)
{
    int lines;
    begin(&lines, false, DM_LOG_INFO);
    dm_log(DM_LOG_INFO, "red\033[31m\rback");
    T_OK(!strchr(got.p, '\033'));
    T_OK(!strchr(got.p, '\r'));
}

/* Last: what is masked stays masked. */
static void secrets_are_masked_however_they_are_quoted(void)
{
    int lines;
    struct dm_err err;
    struct dm_log_field field;
    dm_log_mask("s3c\"ret");
    dm_log_mask("ab");
    begin(&lines, true, DM_LOG_INFO);
    dm_log_push(&field, "dag", "s3c\"ret");
    dm_err_set(&err, DM_E_CONNECTION, "password s3c\"ret refused by ab");
    dm_err_hint(&err, "Not s3c\"ret.");
    dm_log_err(DM_LOG_ERROR, &err);
    dm_log_pop(&field);
    T_OK(!strstr(got.p, "s3c"));
    T_HAS(got.p, "\"dag\":\"***\"");
    T_HAS(got.p, "password *** refused by ab");
    T_HAS(got.p, "\"hint\":\"Not ***.\"");
    dm_strbuf_release(&got);
}

T_MAIN(T_CASE(a_line_has_its_context_from_the_outside_in),
       T_CASE(what_is_below_the_level_is_not_written),
       T_CASE(a_failure_is_one_line_with_all_that_is_known),
       T_CASE(nothing_in_a_value_reaches_the_terminal_as_a_command),
       T_CASE(secrets_are_masked_however_they_are_quoted))
