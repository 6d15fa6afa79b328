/*
 * One step of the embedded cluster, seen from inside (step-run): what step_run.c gives to the kinds of steps, one file
 * each: step_distcp.c, step_spark.c, step_command.c.
 */
#ifndef DM_STEP_H
#define DM_STEP_H

#include "task/attempt.h"

struct dm_step {
    struct dm_attempt at; /* to report; without a work order */
    const struct dm_step_order *order;
    struct dm_lake *lake;
    const char *root;        /* the cluster's files */
    const char *const *argv; /* the step's arguments, NULL-terminated: argv[0] is the command */
};

/* A command of command-runner.jar. */
struct dm_step_command {
    const char *name;
    int (*run)(struct dm_step *step, struct dm_err *reterr);
};

int dm_step_distcp(struct dm_step *step, struct dm_err *reterr) dm_nodiscard;
int dm_step_spark(struct dm_step *step, struct dm_err *reterr) dm_nodiscard;
/* Any program of this machine. */
int dm_step_program(struct dm_step *step, struct dm_err *reterr) dm_nodiscard;

/* "--name=value" or "--name value" at argv[*at]: 1 with the value and *at behind it, 0 where it is another option.
   DM_E_USAGE where the value is missing. */
int dm_step_option(const char *const *argv, size_t *at, const char *name, const char **ret,
                   struct dm_err *reterr) dm_nodiscard;

/* A file of the cluster as an object of the record: bucket "" and its path below the project. */
struct dm_object_name dm_step_file(const struct dm_step *step, const char *path);

#endif
