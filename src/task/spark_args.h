/* The command line of spark-submit with a classification script, as argparse and spark-submit read it. */
#ifndef DM_SPARK_ARGS_H
#define DM_SPARK_ARGS_H

#include "base/str.h"

struct dm_spark_args {
    const char *script;
    const char *input, *output; /* with the script's defaults */
    const char *run_id;
    const char
        *max_rejected; /* of --conf spark.daymill.max_rejected: a count or "1%"; NULL = not given */
};

/* argv[0] is spark-submit.  The texts are those of argv.  Options of spark-submit that only say how much of a cluster
   to use are read over; one that could change the answer is refused by name. */
int dm_spark_args_parse(const char *const *argv, struct dm_spark_args *ret,
                        struct dm_err *reterr) dm_nodiscard;

#endif
