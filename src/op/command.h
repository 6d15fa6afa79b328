/*
 * Children of a task: how an operator starts a command, follows it and judges its exit code.  They run in the task's
 * process group and hold its lease, so that they end with it; standard error goes straight to the attempt's log.
 */
#ifndef DM_OP_COMMAND_H
#define DM_OP_COMMAND_H

#include "op/op.h"

enum { DM_LAST_LINE_MAX = 64 << 10 }; /* bytes of the last line of output that become a value */

struct dm_command {
    const char *const *argv; /* NULL-terminated; argv[0] is looked for in PATH */
    char *const *env;
    const char *cwd;
    int in_fd;      /* standard input; -1 = nothing */
    int out_fd;     /* standard output; -1 = the attempt's log */
    int channel_fd; /* becomes DM_CHANNEL_FD of the command; -1 = none */
};
enum { DM_CHANNEL_FD = 3 };

/* As Airflow: the field `env` instead of the inherited environment, or added to it where `append`; then what tells a
   command its run (AIRFLOW_CTX_…, DAYMILL_HOME). */
int dm_command_env(struct dm_attempt *at, bool append, char ***ret,
                   struct dm_err *reterr) dm_nodiscard;
/* The field `cwd`, relative to the project; the run's own scratch folder where it is not given. */
int dm_command_cwd(struct dm_attempt *at, const char **ret, struct dm_err *reterr) dm_nodiscard;

int dm_command_start(const struct dm_command *c, pid_t *ret, struct dm_err *reterr) dm_nodiscard;
/* The same with a pipe as standard output, handed on to the log until it ends; *ret_line (64 KB at most, trimmed)
   is the last line.  Returns when the command has ended, with its wait status. */
int dm_command_run(struct dm_attempt *at, struct dm_command *c, int *ret_status,
                   struct dm_str *ret_line, struct dm_err *reterr) dm_nodiscard;
int dm_command_wait(pid_t pid, int *ret_status, struct dm_err *reterr) dm_nodiscard;

/* 0 for exit code 0; else DM_E_SKIP or DM_E_TASK by the fields skip_on_exit_code and fail_on_exit_code. */
int dm_command_judge(struct dm_attempt *at, int status, struct dm_str line,
                     struct dm_err *reterr) dm_nodiscard;

#endif
