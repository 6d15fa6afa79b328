/*
 * What an attempt says on its way up (proc/wire.def), decoded: bytes in, a struct out, nothing stored.  sched/message.c
 * records it; task/attempt.c writes these messages.
 *
 * A member that is absent or of another kind has its default, so that an older child is understood; what cannot be
 * used at all is an error.
 */
#ifndef DM_TASK_MESSAGE_H
#define DM_TASK_MESSAGE_H

#include "proc/wire.h"
#include "state/record.h"
#include "task/order.h"

struct dm_message_object {
    struct dm_str bucket, key;
};

struct dm_message {
    enum dm_wire_kind kind;
    union {
        struct dm_str rendered; /* the JSON text: the body itself */
        struct {
            struct dm_str key, value; /* value: JSON */
        } xcom;
        struct dm_ledger_row ledger; /* without the attempt, which the receiver knows */
        struct dm_check_row check;   /* the same */
        struct {
            int64_t done, total; /* -1 = not known */
            struct dm_str unit;
        } progress;
        struct {
            struct dm_message_object *objects;
            size_t n;
        } intent;
        struct {
            struct dm_str source, identity, bucket, key;
        } landed;
        struct {
            struct dm_str source, identity;
        } input;
        struct {
            const char *cluster;
            struct dm_step_new *steps;
            size_t n;
        } steps;
        struct {
            struct dm_str system, id;
        } remote_id;
        struct {
            const char *dag_id, *run_id;
            int64_t logical_date;
            const struct dm_value *conf; /* NULL = none */
            bool reset;
        } trigger;
        struct dm_result result;
    };
};

/* What *ret holds lives in the arena, apart from `rendered`.  Errors: JSON's (lang/value.h); DM_E_DATA: no result, or a
   kind that does not go up; DM_E_INVALID: a batch of steps that nobody can run, which its sender should be told. */
int dm_message_decode(struct dm_arena *a, enum dm_wire_kind kind, struct dm_str body,
                      struct dm_message *ret, struct dm_err *reterr) dm_nodiscard;

#endif
