/*
 * Values out: what PostgreSQL prints (DateStyle ISO, IntervalStyle postgres, extra_float_digits 1, bytea_output hex) and
 * what it sends in binary.  One cell of a vector at a time, appended to a buffer; never NULL cells (the caller's
 * protocol says how those look).
 */
#ifndef DM_FORMAT_H
#define DM_FORMAT_H

#include "warehouse/types.h"

/* DM_E_DATA with 22003 for a HUGEINT beyond int8, which is what it is described as. */
int dm_format_text(const struct dm_vector *v, size_t row, struct dm_strbuf *out,
                   struct dm_err *reterr) dm_nodiscard;
int dm_format_binary(const struct dm_vector *v, size_t row, struct dm_strbuf *out,
                     struct dm_err *reterr) dm_nodiscard;

/* The pieces, for others that print the same things. */
void dm_format_float8(double d, struct dm_strbuf *out);
void dm_format_date(int32_t days, struct dm_strbuf *out);
void dm_format_timestamp(int64_t us, bool utc_suffix, struct dm_strbuf *out);

#endif
