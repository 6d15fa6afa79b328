/* The choice between the builds of the scan. */
#include "text/scan.h"

#if defined(__x86_64__)
#include <sys/platform/x86.h>
#endif

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
    /* What the loader found.  The compiler's own test would ask the processor anew at the start of every process, and
       where that is a virtual one each question is an exit to its host. */
    if (CPU_FEATURE_ACTIVE(AVX2) && CPU_FEATURE_ACTIVE(BMI1) && CPU_FEATURE_ACTIVE(POPCNT))
        return &dm_text_scan_avx2;
#endif
    return &dm_text_scan_portable;
}
