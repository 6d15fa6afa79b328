/* daymill warehouse: the embedded SQL server, in the foreground. */
#include "base/log.h"
#include "cmd/common.h"
#include "warehouse/server.h"

static const struct dm_option options[] = {
    {"listen", 0, DM_OPTION_TEXT, "HOST:PORT", NULL, "listen there too; loopback addresses only"},
    {"until-idle", 0, DM_OPTION_FLAG, NULL, NULL, "leave a few seconds after the last client"},
    {"ready-fd", 0, DM_OPTION_INT, "N", NULL, "write a byte to this descriptor once it listens"},
    {NULL},
};

enum { IDLE_SECONDS = 5 };

static void say_waiting(const struct dm_server_opts *o)
{
    fprintf(stderr, "waiting for the server of an earlier command, which leaves by itself\n");
}

static void say_listening(const struct dm_server_opts *o)
{
    printf("listening on %s/%s%s%s; Ctrl-C ends it\n", o->project->socket_dir, DM_WAREHOUSE_SOCKET,
           o->listen ? " and " : "", o->listen ? o->listen : "");
    fflush(stdout);
}

static int run(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_server_opts o = {
        .project = args->project,
        .stay = !dm_option_flag(args, "until-idle"),
        .listen = dm_option_text(args, "listen", NULL),
        .idle_close_us =
            dm_map_int(dm_map_at(args->project->config, "warehouse"), "idle_close", IDLE_SECONDS) *
            DM_SEC,
        .ready_fd = (int)dm_option_int(args, "ready-fd", -1),
    };
    dm_log_open(2, DM_LOG_INFO, "warehouse");
    if (o.stay && !args->quiet) {
        o.listening = say_listening;
        o.waiting = say_waiting;
    }
    /* A server of another command leaves soon after its last client. */
    if (o.stay)
        o.wait_us = o.idle_close_us + IDLE_SECONDS * DM_SEC;
    return dm_server_run(&o, reterr);
}

const struct dm_cmd dm_cmd_warehouse = {
    .name = "warehouse",
    .synopsis = "",
    .doc = "run the embedded SQL server in the foreground",
    .more = "Other commands start it by themselves; this is for clients that come and go.",
    .options = options,
    .run = run,
};
