/* task/message.h: what an attempt says arrives as it was meant, and what is wrong with it is said. */
#include "task/message.h"
#include "t.h"

static int decode(struct dm_arena *a, enum dm_wire_kind kind, const char *body,
                  struct dm_message *ret, struct dm_err *reterr)
{
    return dm_message_decode(a, kind, dm_str_c(body), ret, reterr);
}

static void a_report_arrives_whole(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_message m;
    struct dm_err err;
    T_TRY(decode(&a, DM_WIRE_LEDGER,
                 "{\"direction\":\"write\",\"dataset\":\"s3://b/k\",\"rows\":7,\"bytes\":null,"
                 "\"files\":1,\"note\":\"n\"}",
                 &m, &err),
          err);
    T_OK(m.ledger.write);
    T_STR(m.ledger.dataset, "s3://b/k");
    T_INT(m.ledger.rows, 7);
    T_INT(m.ledger.bytes, -1);
    T_STR(m.ledger.note, "n");
    T_TRY(decode(&a, DM_WIRE_CHECK,
                 "{\"name\":\"rows\",\"passed\":true,\"expected\":\"> 0\",\"got\":3,\"rows\":[1]}",
                 &m, &err),
          err);
    T_OK(m.check.passed && !m.check.sql);
    T_STR(m.check.got, "3");
    T_STR(m.check.rows, "[1]");
    T_TRY(decode(&a, DM_WIRE_XCOM, "{\"key\":\"return_value\",\"value\":{\"a\":1}}", &m, &err),
          err);
    T_DMSTR(m.xcom.key, "return_value");
    T_DMSTR(m.xcom.value, "{\"a\": 1}");
    T_TRY(
        decode(&a, DM_WIRE_INTENT, "{\"objects\":[{\"bucket\":\"b\",\"key\":\"k\"},5]}", &m, &err),
        err);
    T_INT(m.intent.n, 2);
    T_DMSTR(m.intent.objects[0].key, "k");
    T_DMSTR(m.intent.objects[1].key, "");
}

static void a_batch_of_steps_has_defaults_and_is_checked(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_message m;
    struct dm_err err = {0};
    T_TRY(decode(&a, DM_WIRE_STEPS,
                 "{\"cluster\":\"j-1\",\"steps\":[{\"name\":\"x\",\"args\":[\"a\"]},{}]}", &m,
                 &err),
          err);
    T_INT(m.steps.n, 2);
    T_STR(m.steps.cluster, "j-1");
    T_STR(m.steps.steps[0].args, "[\"a\"]");
    T_STR(m.steps.steps[1].jar, "command-runner.jar");
    T_INT(decode(&a, DM_WIRE_STEPS, "{\"steps\":[]}", &m, &err), DM_E_INVALID);
    T_INT(decode(&a, DM_WIRE_STEPS, "{\"steps\":[{\"action_on_failure\":\"STOP\"}]}", &m, &err),
          DM_E_INVALID);
    T_HAS(err.message, "STOP");
}

static void what_is_no_message_is_an_error(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_message m;
    struct dm_err err = {0};
    T_INT(decode(&a, DM_WIRE_LEDGER, "{", &m, &err), DM_E_SYNTAX);
    T_INT(decode(&a, DM_WIRE_RESULT, "{\"state\":\"done\"}", &m, &err), DM_E_DATA);
    T_INT(decode(&a, DM_WIRE_ORDER, "{}", &m, &err), DM_E_DATA);
    T_OK(err.message[0]);
}

T_MAIN(T_CASE(a_report_arrives_whole), T_CASE(a_batch_of_steps_has_defaults_and_is_checked),
       T_CASE(what_is_no_message_is_an_error))
