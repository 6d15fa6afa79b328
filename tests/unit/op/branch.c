/* `branch`, `short_circuit`, `latest_only`: what they decide. */
#include "base/clock.h"
#include "harness.h"

static const char *decision(struct h *h)
{
    return h->at.decision ? dm_value_json(&h->arena, h->at.decision).p : "";
}

static void a_branch_follows_what_its_template_says(void)
{
    const struct dm_value *ret;
    struct h h;
    h_begin(&h);
    T_INT(h_run(&h, "branch", "{\"follow\": \" x \"}", &ret), 0);
    T_STR(decision(&h), "{\"follow\": [\"x\"]}");
    T_STR(dm_value_json(&h.arena, ret).p, "[\"x\"]");
    T_INT(h_run(&h, "branch", "{\"follow\": [\"x\", \"\", \"z\"]}", &ret), 0);
    T_STR(decision(&h), "{\"follow\": [\"x\", \"z\"]}");
    T_INT(h_run(&h, "branch", "{\"follow\": \"['x', 'g.y']\"}", &ret), 0);
    T_STR(decision(&h), "{\"follow\": [\"x\", \"g.y\"]}");
    T_INT(h_run(&h, "branch", "{\"follow\": \"\"}", &ret), 0);
    T_STR(decision(&h), "{\"follow\": []}");
    T_INT(h_run(&h, "branch", "{}", &ret), DM_E_INVALID);
    T_HAS(h.err.message, "either `follow` or `sql`");
    T_OK(h.at.no_retry);
    h_end(&h);
}

static void a_short_circuit_knows_what_is_false(void)
{
    static const char *const no[] = {"\"False\"", "\" 0 \"", "\"\"",    "\"None\"", "false",
                                     "0",         "[]",      "\"off\"", "0.0"};
    static const char *const yes[] = {"\"True\"", "\"17\"", "true", "3", "[0]", "\"some text\""};
    const struct dm_value *ret;
    struct h h;
    h_begin(&h);
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        const char *args = dm_arena_printf(&h.arena, "{\"condition\": %s}", no[i]);
        h.at.decision = NULL;
        T_INT(h_run(&h, "short_circuit", args, &ret), 0);
        T_STR(decision(&h), "{\"skip\": \"all\"}");
        T_OK(ret->kind == DM_BOOL && !ret->b);
    }
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        h.at.decision = NULL;
        T_INT(h_run(&h, "short_circuit", dm_arena_printf(&h.arena, "{\"condition\": %s}", yes[i]),
                    &ret),
              0);
        T_STR(decision(&h), "");
    }
    T_INT(h_run(&h, "short_circuit",
                "{\"condition\": false, \"ignore_downstream_trigger_rules\": false}", &ret),
          0);
    T_STR(decision(&h), "{\"skip\": \"direct\"}");
    h_end(&h);
}

static void only_the_latest_run_goes_on(void)
{
    const struct dm_value *ret;
    struct h h;
    h_begin(&h);
    int64_t today = dm_clock_now() / DM_DAY * DM_DAY;
    h.order.schedule_value = dm_value_cstr(&h.arena, "@daily");
    h.order.timezone = "UTC";
    for (int days = 0; days <= 3; days++) {
        h.order.run_type = "scheduled";
        h.order.interval_start = today - (days + 1) * DM_DAY;
        h.order.interval_end = today - days * DM_DAY;
        h.at.decision = NULL;
        T_INT(h_run(&h, "latest_only", "{}", &ret), 0);
        T_STR(decision(&h), days == 0 ? "" : "{\"follow\": []}");
        h.order.run_type = "manual";
        h.at.decision = NULL;
        T_INT(h_run(&h, "latest_only", "{}", &ret), 0);
        T_STR(decision(&h), "");
    }
    h_end(&h);
}

T_MAIN(T_CASE(a_branch_follows_what_its_template_says), T_CASE(a_short_circuit_knows_what_is_false),
       T_CASE(only_the_latest_run_goes_on))
