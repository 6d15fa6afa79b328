/*
 * Commands: one file each, one line each in cmd_table.c; parsing, --help and docs/cli.md come from the table.
 */
#ifndef DM_CMD_H
#define DM_CMD_H

#include "conn/project.h"

enum dm_option_kind {
    DM_OPTION_FLAG,
    DM_OPTION_TEXT,
    DM_OPTION_INT,
    DM_OPTION_DAY,
    DM_OPTION_JSON,
    DM_OPTION_CHOICE
};

struct dm_option {
    const char *name; /* "from" for --from */
    char letter;      /* 'C', or 0 */
    enum dm_option_kind kind;
    const char *value_name; /* "DAY" */
    const char *choices;    /* "missing|failed|stale|all" */
    const char *doc;
};

struct dm_args; /* what was given; see below */

struct dm_cmd {
    const char *name;                /* "dags list" */
    const char *synopsis;            /* "DAG [TASK]" */
    const char *doc;                 /* one line */
    const char *more;                /* further lines of --help, with an example; may be NULL */
    int min_args, max_args;          /* -1 = any */
    const struct dm_option *options; /* ends with a NULL name; may be NULL */
    bool no_project;                 /* works without a project folder */
    int (*run)(struct dm_args *args, struct dm_err *reterr);
};

extern const struct dm_cmd *const dm_cmds[]; /* NULL-terminated, in the order of --help */

struct dm_args {
    struct dm_arena *arena;
    const struct dm_cmd *cmd;
    const char
        *self; /* the program, with -C where it was given: what a command to type begins with */
    struct dm_project *project; /* NULL where the command takes none */
    int n;
    const char **v;             /* positional arguments */
    const char **option_values; /* by index in cmd->options; NULL = not given */
    bool json, quiet;
    bool color, terminal; /* of standard output */
};

const char *dm_option_text(const struct dm_args *args, const char *option, const char *fallback);
bool dm_option_flag(const struct dm_args *args, const char *option);
int64_t dm_option_int(const struct dm_args *args, const char *option, int64_t fallback);

/* The program: parses, finds the project, runs, prints the error, returns the exit code. */
int dm_cli_main(int argc, char **argv);

#endif
