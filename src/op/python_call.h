/*
 * Calling a Python function without Airflow: an interpreter runs our own small program (python/runner.py), which
 * imports the function's file, calls it as Airflow's PythonOperator does, and reports over a channel.  What it asks
 * for on the way (XComs, variables, connections) is answered here.
 */
#ifndef DM_OP_PYTHON_CALL_H
#define DM_OP_PYTHON_CALL_H

#include "op/op.h"

enum { DM_PYTHON_MESSAGE_MAX = 16 << 20 }; /* bytes of one message of the channel */

/* What the function returned. */
struct dm_python_result {
    const struct dm_value *value; /* NULL = None */
    bool truth;                   /* Python's bool() of it */
    bool poke;                    /* it was a PokeReturnValue; value is its xcom_value */
    bool outputs;                 /* a decorated function that says that it returns a dict */
};

/* Calls the field python_callable with the fields op_args, op_kwargs and templates_dict.  `decorated`: only what the
   function asks for by name or takes by its own arguments, as Airflow's @task.
   DM_E_SKIP for AirflowSkipException; DM_E_TASK with the traceback's last line and place for any other (at->no_retry
   for AirflowFailException). */
int dm_python_call(struct dm_attempt *at, bool decorated, struct dm_python_result *ret,
                   struct dm_err *reterr) dm_nodiscard;

/* Runs the field `script`: the context as JSON on its standard input.  *ret_value: its last line, as JSON where it is
   JSON, else as text; NULL where it printed nothing. */
int dm_python_script(struct dm_attempt *at, const struct dm_value **ret_value,
                     struct dm_err *reterr) dm_nodiscard;

/* python_order.c: what the runner and scripts get to know of the run.  Marks (datetime, tuple …) that JSON has not
   are kept for the runner only. */
int dm_python_context(struct dm_attempt *at, bool marked, const struct dm_value **ret,
                      struct dm_err *reterr) dm_nodiscard;
/* A field's value for the runner. */
int dm_python_field(struct dm_attempt *at, const char *field, const struct dm_value **ret,
                    struct dm_err *reterr) dm_nodiscard;
/* The callable for the runner: its name, and path and text of its file. */
int dm_python_callable(struct dm_attempt *at, const struct dm_value *callable,
                       const struct dm_value **ret, struct dm_err *reterr) dm_nodiscard;

#endif
