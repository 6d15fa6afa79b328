/* daymill connections list|test. */
#include "base/clock.h"
#include "cmd/common.h"
#include "conn/lake.h"
#include "conn/pg.h"

/* Where a connection leads, for people; never a password. */
static const char *target(struct dm_args *args, const struct dm_connection *c)
{
    struct dm_arena *a = args->arena;
    if (strcmp(c->conn_type, "warehouse") == 0)
        return dm_arena_printf(a, "%s/%s database %s",
                               dm_project_relative(args->project, args->project->socket_dir),
                               DM_WAREHOUSE_SOCKET, c->schema ? c->schema : "warehouse");
    if (strcmp(c->conn_type, "local_lake") == 0)
        return dm_project_relative(args->project, args->project->lake_dir);
    if (strcmp(c->conn_type, "local_cluster") == 0)
        return dm_project_relative(args->project, args->project->cluster_dir);
    if (c->port)
        return dm_arena_printf(a, "%s:%d/%s", c->host ? c->host : "", c->port,
                               c->schema ? c->schema : "");
    return dm_arena_printf(a, "%s/%s", c->host ? c->host : "", c->schema ? c->schema : "");
}

static int list(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_table t;
    const char *const *ids = dm_conn_ids(args->arena, args->project);
    dm_table_init(&t, args->arena, "conn_id conn_type target login description");
    for (size_t i = 0; ids[i]; i++) {
        struct dm_connection c;
        DM_TRY(dm_conn_find(args->arena, args->project, dm_str_c(ids[i]), &c, reterr));
        dm_table_add(&t, DM_ROW(c.conn_id, c.conn_type, target(args, &c), c.login, c.description));
    }
    dm_args_print(args, &t);
    return 0;
}

const struct dm_cmd dm_cmd_connections_list = {
    .name = "connections list",
    .synopsis = "",
    .doc = "list the connections and where they lead",
    .run = list,
};

static int try_one(struct dm_args *args, const struct dm_connection *c, struct dm_err *reterr)
{
    if (strcmp(c->conn_type, "local_lake") == 0) {
        struct dm_lake *lake;
        return dm_lake_open(args->arena, args->project, c, &lake, reterr);
    }
    if (strcmp(c->conn_type, "local_cluster") == 0)
        return 0;
    _cleanup_pg_ struct dm_pg *pg = NULL;
    struct dm_pg_result r;
    DM_TRY(dm_pg_open(args->project, c, "daymill connections test", &pg, reterr));
    return dm_pg_exec(pg, args->arena, DM_STR("SELECT 1"), NULL, 0, &r, reterr);
}

static int test(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_table t;
    const char *const *ids = args->n ? args->v : dm_conn_ids(args->arena, args->project);
    size_t n = 0, failed = 0;
    dm_table_init(&t, args->arena, "conn_id result took message");
    while (args->n ? n < (size_t)args->n : ids[n] != NULL) {
        struct dm_connection c;
        struct dm_err err = {0};
        int64_t from = dm_clock_monotonic();
        DM_TRY(dm_conn_find(args->arena, args->project, dm_str_c(ids[n++]), &c, reterr));
        int rc = try_one(args, &c, &err);
        failed += rc < 0;
        dm_table_add(&t, DM_ROW(c.conn_id, rc < 0 ? "failed" : "ok",
                                dm_cell_span(args->arena, from, dm_clock_monotonic()),
                                rc < 0 ? err.message : NULL));
    }
    dm_args_print(args, &t);
    if (failed)
        return dm_err_set(reterr, DM_E_CONNECTION, "%zu of %zu connections failed", failed, n);
    return 0;
}

const struct dm_cmd dm_cmd_connections_test = {
    .name = "connections test",
    .synopsis = "[CONN…]",
    .doc = "try to connect",
    .max_args = -1,
    .run = test,
};
