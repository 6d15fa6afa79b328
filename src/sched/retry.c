/*
 * Retry delays.  With exponential backoff: b = ceil(delay * 2^(try - 1)) seconds, at least 1; plus a jitter that is the
 * SHA-1 of "dag#task#logical date#try", as a number, modulo b; then the maxima.
 */
#include "sched/retry.h"

#include <math.h>

#include "base/digest.h"

int dm_retry_at(const struct dm_task *task, const char *dag_id, int64_t logical_date,
                int try_number, int64_t ended_at, int64_t *ret, struct dm_err *reterr)
{
    int64_t delay = task->retry_delay_us;
    if (!task->retry_exponential_backoff) {
        *ret = ended_at + delay;
        return 0;
    }
    double wanted = ceil(ldexp((double)delay / (double)DM_SEC, try_number - 1));
    double most = (double)(DM_RETRY_DELAY_MAX / DM_SEC);
    if (task->max_retry_delay_us > 0 && (double)task->max_retry_delay_us / (double)DM_SEC < most)
        most = (double)task->max_retry_delay_us / (double)DM_SEC;
    /* Past the maximum the jitter no longer matters, and the product may not fit. */
    if (wanted >= most) {
        *ret = ended_at + (int64_t)(most * (double)DM_SEC);
        return 0;
    }
    uint64_t seconds = wanted < 1 ? 1 : (uint64_t)wanted, jitter = 0;
    char date[DM_TIME_MAX];
    _cleanup_free_ char *text = dm_asprintf("%s#%s#%s#%d", dag_id, task->task_id,
                                            dm_time_python(logical_date, date), try_number);
    DM_TRY(dm_sha1_modulo(dm_str_c(text), seconds, &jitter, reterr));
    double total = fmin((double)(seconds + jitter), most);
    *ret = ended_at + (int64_t)(total * (double)DM_SEC);
    return 0;
}
