/* spark-submit [options] script [--input X] [--output Y] --run-id Z */
#include "task/spark_args.h"

/* Options with a value that say where and with how much to run. */
static const char *const sizing[] = {"--master",
                                     "--deploy-mode",
                                     "--name",
                                     "--queue",
                                     "--driver-memory",
                                     "--driver-cores",
                                     "--executor-memory",
                                     "--executor-cores",
                                     "--num-executors",
                                     "--total-executor-cores",
                                     "--driver-java-options",
                                     NULL};
/* Settings of --conf that do the same. */
static const char *const sizing_conf[] = {"spark.app.name=",
                                          "spark.master=",
                                          "spark.submit.",
                                          "spark.driver.",
                                          "spark.executor.",
                                          "spark.executorEnv.",
                                          "spark.dynamicAllocation.",
                                          "spark.yarn.",
                                          "spark.cores.max=",
                                          "spark.shuffle.",
                                          "spark.sql.shuffle.partitions=",
                                          "spark.default.parallelism=",
                                          "spark.eventLog.",
                                          "spark.ui.",
                                          "spark.memory.",
                                          "spark.scheduler.",
                                          NULL};

static int refuse(const char *what, const char *name, struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_UNSUPPORTED, "spark-submit: the embedded cluster does not have %s %s",
               what, name);
    dm_err_hint(reterr, "It answers the classification scripts natively; for anything else use a "
                        "cluster with Spark.");
    return DM_E_UNSUPPORTED;
}

static bool is_one_of(const char *const *names, const char *arg, size_t n)
{
    for (; *names; names++)
        if (strlen(*names) == n && strncmp(*names, arg, n) == 0)
            return true;
    return false;
}

/* Spark itself reads over settings that it does not know, so that the same steps run there. */
static const char max_rejected[] = "spark.daymill.max_rejected=";

static int take_conf(const char *setting, struct dm_spark_args *out, struct dm_err *reterr)
{
    if (strncmp(setting, max_rejected, strlen(max_rejected)) == 0) {
        out->max_rejected = setting + strlen(max_rejected);
        return 0;
    }
    for (const char *const *c = sizing_conf; *c; c++)
        if (strncmp(setting, *c, strlen(*c)) == 0)
            return 0;
    return refuse("the setting", setting, reterr);
}

/* One option of spark-submit itself. */
static int take_option(const char *const *argv, size_t *at, struct dm_spark_args *out,
                       struct dm_err *reterr)
{
    const char *arg = argv[*at], *value = strchr(arg, '=');
    size_t n = value ? (size_t)(value - arg) : strlen(arg);
    bool conf =
        (n == 6 && strncmp(arg, "--conf", n) == 0) || (n == 2 && strncmp(arg, "-c", n) == 0);
    *at += 1;
    if (strcmp(arg, "--verbose") == 0 || strcmp(arg, "-v") == 0 || strcmp(arg, "--supervise") == 0)
        return 0;
    if (!conf && !is_one_of(sizing, arg, n))
        return refuse("the option", arg, reterr);
    if (value)
        value++;
    else if ((value = argv[*at]))
        *at += 1;
    else
        return dm_err_set(reterr, DM_E_USAGE, "spark-submit: the option %s has no value", arg);
    return conf ? take_conf(value, out, reterr) : 0;
}

/* One argument of the script; argparse takes a name by any beginning that only it has. */
static int take_argument(const char *const *argv, size_t *at, struct dm_spark_args *out,
                         struct dm_err *reterr)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {{"--input", &out->input}, {"--output", &out->output}, {"--run-id", &out->run_id}};
    const char *arg = argv[*at], *value = strchr(arg, '=');
    size_t n = value ? (size_t)(value - arg) : strlen(arg);
    *at += 1;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (n < 3 || strncmp(known[i].name, arg, n) != 0)
            continue;
        if (!value && (!argv[*at] || strncmp(argv[*at], "--", 2) == 0))
            return dm_err_set(reterr, DM_E_USAGE, "the script's option %s has no value",
                              known[i].name);
        *known[i].value = value ? value + 1 : argv[*at];
        *at += !value;
        return 0;
    }
    dm_err_set(reterr, DM_E_USAGE, "the script does not have the argument \"%s\"", arg);
    dm_err_hint(reterr, "It has --input, --output and --run-id.");
    return DM_E_USAGE;
}

int dm_spark_args_parse(const char *const *argv, struct dm_spark_args *ret, struct dm_err *reterr)
{
    struct dm_spark_args out = {.input = "/movie", .output = "/output"};
    size_t at = 1;
    while (argv[at] && argv[at][0] == '-')
        DM_TRY(take_option(argv, &at, &out, reterr));
    if (!argv[at])
        return dm_err_set(reterr, DM_E_USAGE, "spark-submit: no script is named");
    out.script = argv[at++];
    while (argv[at])
        DM_TRY(take_argument(argv, &at, &out, reterr));
    if (!out.run_id)
        return dm_err_set(reterr, DM_E_USAGE, "the script's option --run-id is missing");
    *ret = out;
    return 0;
}
