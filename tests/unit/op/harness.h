/*
 * An attempt without its process tree: a project in a temporary folder, and a thread in the place of the parent that
 * answers what wants an answer and keeps what is reported.
 */
#ifndef DM_OP_HARNESS_H
#define DM_OP_HARNESS_H

#include <pthread.h>
#include <sys/socket.h>

#include "op/op.h"
#include "t.h"

struct h {
    struct dm_arena arena;
    char dir[64];
    struct dm_project project;
    struct dm_order order;
    struct dm_attempt at;
    struct dm_err err;
    int parent;
    pthread_t thread;
    struct dm_arena kept;     /* of the thread */
    struct dm_value *reports; /* list of {kind, body} */
};

static inline void h_write(struct h *h, const char *name, const char *text)
{
    const char *path = dm_path_join(&h->arena, h->dir, name);
    struct dm_err err;
    if (dm_mkdirs_for(path, &err) < 0 || dm_file_write(path, dm_str_c(text), 0644, &err) < 0)
        printf("# %s\n", err.message);
}

static void *h_parent(void *user)
{
    struct h *h = user;
    struct dm_frame f;
    struct dm_err err;
    while (dm_wire_receive(h->parent, &h->kept, &f, &err) >= 0) {
        struct dm_value *body, *report = dm_value_map(&h->kept);
        if (dm_value_from_json(&h->kept, f.body, &body, &err) < 0)
            break;
        char kind[2] = {(char)f.kind, 0};
        dm_map_set(&h->kept, report, "kind", dm_value_cstr(&h->kept, kind));
        dm_map_set(&h->kept, report, "body", body);
        dm_list_add(&h->kept, h->reports, report);
        if (f.kind == DM_WIRE_INTENT &&
            dm_wire_send(h->parent, DM_WIRE_REPLY, DM_STR("{}"), &err) < 0)
            break;
        bool there = dm_str_is(dm_map_str(body, "dag_id", ""), "there");
        if (f.kind == DM_WIRE_TRIGGER &&
            dm_wire_send(
                h->parent, DM_WIRE_REPLY,
                there ? DM_STR("{\"error\": {\"code\": \"EXISTS\", \"message\": \"it is there\"}}")
                      : DM_STR("{\"run_id\": \"r2\", \"created\": true}"),
                &err) < 0)
            break;
        if (f.kind == DM_WIRE_STEPS &&
            dm_wire_send(h->parent, DM_WIRE_REPLY, DM_STR("{\"ids\":[\"s-1\",\"s-2\"]}"), &err) < 0)
            break;
    }
    return NULL;
}

/* Every h_begin has its h_end. */
static inline void h_begin(struct h *h)
{
    int pair[2];
    memset(h, 0, sizeof(*h));
    snprintf(h->dir, sizeof(h->dir), "/tmp/dm-op-XXXXXX");
    T_OK(mkdtemp(h->dir));
    h_write(h, "daymill.yaml", "name: test\n");
    h_write(h, "connections.yaml",
            "lake: {conn_type: local_lake}\ncluster: {conn_type: local_cluster}\n"
            "warehouse: {conn_type: warehouse, schema: warehouse}\n");
    if (dm_project_open(&h->project, h->dir, &h->err) < 0)
        t_fail(__FILE__, __LINE__, "project: %s", h->err.message);
    T_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    h->parent = pair[0];
    h->reports = dm_value_list(&h->kept, 0);
    h->order = (struct dm_order){.attempt = 1,
                                 .dag_id = "d",
                                 .task_id = "t",
                                 .run_id = "r1",
                                 .owner = "o",
                                 .map_index = -1,
                                 .try_number = 1,
                                 .logical_date = 1291161600 * DM_SEC,
                                 .first_look_at = DM_NEVER,
                                 .try_look_at = DM_NEVER};
    h->at = (struct dm_attempt){.arena = &h->arena,
                                .order = &h->order,
                                .project = &h->project,
                                .fd = pair[1],
                                .until_time = DM_NEVER};
    pthread_create(&h->thread, NULL, h_parent, h);
}

/* The reports are complete from here on. */
static inline void h_close(struct h *h)
{
    if (h->at.fd < 0)
        return;
    T_OK(dm_attempt_flush(&h->at, NULL) == 0);
    close(h->at.fd);
    h->at.fd = -1;
    pthread_join(h->thread, NULL);
    close(h->parent);
}

static inline void h_end(struct h *h)
{
    struct dm_err err;
    h_close(h);
    dm_arena_release(&h->arena);
    dm_arena_release(&h->kept);
    dm_project_release(&h->project);
    T_OK(dm_remove_tree(h->dir, &err) == 0);
}

static inline int h_fill(struct h *h, const struct dm_op_field *f, const struct dm_value *given,
                         struct dm_value *args)
{
    for (; f->name; f++) {
        const struct dm_value *v = dm_map_at(given, f->name);
        struct dm_value *fallback;
        if (!v && f->fallback) {
            DM_TRY(dm_value_from_json(&h->arena, dm_str_c(f->fallback), &fallback, &h->err));
            v = fallback;
        }
        if (v)
            dm_map_set(&h->arena, args, f->name, v);
    }
    return 0;
}

/* Runs an operator with fields given as JSON, defaults filled in as the loader does. */
static inline int h_run(struct h *h, const char *name, const char *json,
                        const struct dm_value **ret)
{
    const struct dm_op *op = dm_op_find(name);
    struct dm_value *given, *args = dm_value_map(&h->arena);
    *ret = NULL;
    memset(&h->err, 0, sizeof(h->err));
    h->at.no_retry = h->at.reschedule = false;
    h->at.until_step = h->at.waits_for = NULL;
    h->at.until_time = DM_NEVER;
    if (dm_value_from_json(&h->arena, dm_str_c(json), &given, &h->err) < 0)
        return h->err.code;
    if (h_fill(h, op->spec.fields, given, args) < 0 ||
        (op->spec.sensor && h_fill(h, dm_sensor_fields, given, args) < 0))
        return h->err.code;
    h->at.args = args;
    return op->execute(&h->at, ret, &h->err);
}

/* The n-th report of a kind, after h_close; NULL where there is none. */
static inline const struct dm_value *h_report(struct h *h, char kind, size_t n)
{
    for (size_t i = 0; i < h->reports->list.n; i++) {
        const struct dm_value *r = h->reports->list.items[i];
        if (dm_map_str(r, "kind", "").p[0] == kind && n-- == 0)
            return dm_map_at(r, "body");
    }
    return NULL;
}

static inline const char *h_text(struct h *h, const struct dm_value *v, const char *key)
{
    return dm_str_cstr(&h->arena, dm_map_str(v, key, ""));
}

#endif
