/* What a schedule by assets waits for, and what its runs were made for. */
#include "cmd/assets.h"

#include "lang/asset.h"
#include "state/asset.h"

enum { EVENTS_SHOWN = 20 };

int dm_cmd_print_assets(struct dm_args *args, struct dm_store *s, const struct dm_dag *dag,
                        struct dm_err *reterr)
{
    const struct dm_value *condition = dm_asset_condition(dag->schedule);
    struct dm_arena *a = args->arena;
    struct dm_asset_queue_row *queue = NULL;
    struct dm_table t;
    size_t n = 0, n_queue = 0;
    _cleanup_strbuf_ struct dm_strbuf text;
    if (!condition)
        return 0;
    dm_table_init(&t, a, "asset changed");
    struct dm_str *uris = dm_asset_uris(a, condition, &n);
    if (s)
        DM_TRY(dm_store_asset_queue(s, a, dag->dag_id, &queue, &n_queue, reterr));
    for (size_t i = 0; i < n; i++) {
        int64_t at = DM_NEVER;
        for (size_t j = 0; j < n_queue; j++)
            if (dm_str_is(uris[i], queue[j].uri))
                at = queue[j].at;
        const char *when = args->json       ? dm_cell_iso(a, at)
                           : at == DM_NEVER ? "not yet"
                                            : dm_cell_time(a, at);
        dm_table_add(&t, DM_ROW(dm_str_cstr(a, uris[i]), when));
    }
    if (!args->json) {
        dm_strbuf_init(&text, DM_BUF_MESSAGE);
        dm_asset_text(&text, condition);
        printf("waits for %s\n\n", text.p);
    }
    dm_args_print(args, &t);
    return 0;
}

int dm_cmd_print_triggering(struct dm_args *args, struct dm_store *s, int64_t run,
                            struct dm_err *reterr)
{
    struct dm_asset_event_row *events;
    struct dm_arena *a = args->arena;
    struct dm_table t;
    size_t n;
    DM_TRY(dm_store_run_asset_events(s, a, run, EVENTS_SHOWN + 1, &events, &n, reterr));
    if (n == 0)
        return 0;
    size_t from = n > EVENTS_SHOWN;
    dm_table_init(&t, a, "asset changed by run");
    for (size_t i = from; i < n; i++)
        dm_table_add(&t, DM_ROW(events[i].uri, dm_cell_time(a, events[i].at),
                                events[i].task_id
                                    ? dm_arena_printf(a, "%s.%s", events[i].dag_id,
                                                      dm_cell_instance(a, events[i].task_id,
                                                                       events[i].map_index))
                                    : NULL,
                                events[i].run_id));
    printf("\nmade for%s\n", from ? dm_arena_printf(a, " (the last %d)", EVENTS_SHOWN) : "");
    dm_table_print(&t, DM_PRINT_ALIGNED, stdout);
    return 0;
}
