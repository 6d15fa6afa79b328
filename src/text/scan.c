/* The choice between the builds of the scan. */
#include "text/scan.h"

void dm_text_scratch_release(struct dm_text_scratch *s)
{
    dm_spark_fields_release(&s->fields);
    dm_rfc4180_release(&s->record);
    dm_text_bytes_release(&s->cid);
    dm_text_bytes_release(&s->review);
}

const struct dm_text_scan *dm_text_scan_best(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("popcnt"))
        return &dm_text_scan_avx2;
#endif
    return &dm_text_scan_portable;
}
