/* Look-ups in the table of operators that the loader is given, and the fields of every sensor. */
#include "lang/op_spec.h"

const struct dm_op_field dm_sensor_fields[DM_SENSOR_FIELDS + 1] = {
    {"poke_interval", DM_FIELD_DURATION, false, false, "60", "Time between two looks.", NULL},
    {"timeout", DM_FIELD_DURATION, false, false, "604800",
     "A look that finds nothing later than this fails the task, without another try.  With mode "
     "reschedule it counts from the first look of the first try (clearing begins anew), with poke "
     "from the first look of this try.",
     NULL},
    {"mode", DM_FIELD_STRING, false, false, "\"poke\"",
     "`poke` or `reschedule`.  Neither holds a process or a slot while it waits, unless "
     "poke_interval is less than a second in mode poke; beside timeout, execution_timeout differs: "
     "it is of the whole try in mode poke, of one look in mode reschedule.",
     NULL},
    {"soft_fail", DM_FIELD_BOOL, false, false, "false",
     "Skip instead of failing: after timeout, after execution_timeout, and where what it waits "
     "for has failed.",
     NULL},
    {"never_fail", DM_FIELD_BOOL, false, false, NULL,
     "Skip after any error of a look; timeout still fails.", NULL},
    {"silent_fail", DM_FIELD_BOOL, false, false, "false",
     "An error of a look is written to the log, and the task waits on.", NULL},
    {"exponential_backoff", DM_FIELD_BOOL, false, false, "false",
     "Wait longer after each look: about twice as long as before.", NULL},
    {"max_wait", DM_FIELD_DURATION, false, false, NULL,
     "The longest wait between two looks, with exponential_backoff.", NULL},
    {NULL},
};

const struct dm_op_spec *dm_op_spec_find(const struct dm_op_table *table, struct dm_str name)
{
    for (size_t i = 0; table->specs[i]; i++) {
        const struct dm_op_spec *s = table->specs[i];
        if (dm_str_is(name, s->name))
            return s;
        for (size_t k = 0; s->aliases && s->aliases[k]; k++)
            if (dm_str_is(name, s->aliases[k]))
                return s;
    }
    return NULL;
}

const struct dm_op_field *dm_op_field_find(const struct dm_op_spec *spec, struct dm_str name)
{
    for (const struct dm_op_field *f = spec->fields; f->name; f++)
        if (dm_str_is(name, f->name) || (f->alias && dm_str_is(name, f->alias)))
            return f;
    return NULL;
}
