/* daymill warehouse: the embedded SQL server, in the foreground. */
#include "base/log.h"
#include "base/time.h"
#include "cmd/common.h"
#include "cmd/service.h"
#include "conn/warehouse_start.h"
#include "warehouse/server.h"

static const struct dm_option options[] = {
    {"listen", 0, DM_OPTION_TEXT, "HOST:PORT", NULL,
     "listen there too; loopback addresses only (default: warehouse.listen of daymill.yaml)"},
    {"until-idle", 0, DM_OPTION_FLAG, NULL, NULL, "leave a few seconds after the last client"},
    {"ready-fd", 0, DM_OPTION_INT, "N", NULL, "write a byte to this descriptor once it listens"},
    DM_SERVICE_OPTION,
    {NULL},
};

enum { IDLE_SECONDS = 5 };
#define FOREVER (365 * DM_DAY)

struct serving {
    struct dm_server_opts opts; /* first: callbacks get its address */
    struct dm_notify notify;
};

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

/* For clients it is all the same whose server answers; this one takes over when that one leaves. */
static void tell_waiting(const struct dm_server_opts *o)
{
    struct serving *s = (struct serving *)o;
    dm_log(DM_LOG_INFO, "stands by until the server of an earlier command leaves");
    dm_notify_status(&s->notify, "stands by: another one serves");
    if (dm_warehouse_listens(o->project))
        dm_notify_ready(&s->notify);
}

static void tell_listening(const struct dm_server_opts *o)
{
    struct serving *s = (struct serving *)o;
    dm_log(DM_LOG_INFO, "listening on %s/%s%s%s", o->project->socket_dir, DM_WAREHOUSE_SOCKET,
           o->listen ? " and " : "", o->listen ? o->listen : "");
    dm_notify_status(&s->notify, "listens");
    dm_notify_ready(&s->notify);
}

/* Who speaks to whom: a person reads sentences, a supervisor and systemd get messages and the log. */
static void set_callbacks(struct serving *s, bool quiet)
{
    struct dm_server_opts *o = &s->opts;
    if (s->notify.fd >= 0) {
        o->listening = tell_listening;
        o->waiting = tell_waiting;
        o->wait_us = FOREVER;
    } else {
        if (!quiet) {
            o->listening = say_listening;
            o->waiting = say_waiting;
        }
        /* A server of another command leaves soon after its last client. */
        o->wait_us = o->idle_close_us + IDLE_SECONDS * DM_SEC;
    }
}

static int run(struct dm_args *args, struct dm_err *reterr)
{
    const struct dm_value *config = dm_map_at(args->project->config, "warehouse");
    bool stay = !dm_option_flag(args, "until-idle");
    const char *listen = NULL;
    /* A port is for who stays: two that start at once for a task would fight for it. */
    if (stay && dm_map_at(config, "listen"))
        listen = dm_str_cstr(args->arena, dm_map_str(config, "listen", ""));
    struct serving s = {
        .opts =
            {
                .project = args->project,
                .stay = stay,
                .listen = dm_option_text(args, "listen", listen),
                .idle_close_us = dm_map_int(config, "idle_close", IDLE_SECONDS) * DM_SEC,
                .ready_fd = (int)dm_option_int(args, "ready-fd", -1),
            },
    };
    dm_log_open(2, DM_LOG_INFO, "warehouse");
    DM_TRY(dm_service_begin(args, &s.notify, reterr));
    if (stay)
        set_callbacks(&s, args->quiet);
    int rc = dm_server_run(&s.opts, reterr);
    dm_notify_release(&s.notify);
    return rc;
}

const struct dm_cmd dm_cmd_warehouse = {
    .name = "warehouse",
    .synopsis = "",
    .doc = "run the embedded SQL server in the foreground",
    .more = "Other commands start it by themselves; this is for clients that come and go.",
    .options = options,
    .run = run,
};
