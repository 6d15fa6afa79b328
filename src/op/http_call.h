/*
 * A request as Airflow's HttpHook makes it of a connection and the fields endpoint, method, data (request_params),
 * headers, extra_options and request_kwargs; and what a task makes of the response.
 */
#ifndef DM_OP_HTTP_CALL_H
#define DM_OP_HTTP_CALL_H

#include "conn/http.h"
#include "op/op.h"

/* Sends it.  A status of 400 or more is DM_E_TASK that begins with the number (*ret is set then, too), unless
   check_response is false; `data` names the field with the parameters or the body. */
int dm_http_call(struct dm_attempt *at, const char *data, struct dm_http_response *ret,
                 struct dm_err *reterr) dm_nodiscard;

/* Whether the field response_check, a template that sees `response`, is true; it is where there is none. */
int dm_http_check(struct dm_attempt *at, const struct dm_http_response *r, bool *ret,
                  struct dm_err *reterr) dm_nodiscard;

/* The body as a text: UTF-8, or else taken as Latin-1. */
struct dm_str dm_http_text(struct dm_arena *a, struct dm_str body);

/* The part of a spec's check that both operators share. */
int dm_http_check_args(const struct dm_value *args, struct dm_err *reterr) dm_nodiscard;

#endif
