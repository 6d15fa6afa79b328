/* A step that is a program of this machine: command-runner.jar with a plain command. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/log.h"
#include "task/scratch.h"
#include "task/step.h"

/* In this process's group, so that what ends the step ends the program; the working folder is the run's scratch. */
static int start(const struct dm_step *step, const char *cwd, pid_t *ret, struct dm_err *reterr)
{
    extern char **environ;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addchdir_np(&files, cwd);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int e = posix_spawnp(ret, step->argv[0], &files, &attr, (char *const *)step->argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    if (e == ENOENT) {
        dm_err_set(reterr, DM_E_NOTFOUND, "there is no program %s on this machine", step->argv[0]);
        dm_err_hint(reterr, "The embedded cluster knows s3-dist-cp and spark-submit; anything else "
                            "must be installed.");
        return DM_E_NOTFOUND;
    }
    return e ? dm_err_errno(reterr, e, "could not start %s", step->argv[0]) : 0;
}

int dm_step_program(struct dm_step *step, struct dm_err *reterr)
{
    const char *cwd =
        dm_scratch_path(step->at.arena, step->at.project, step->order->dag_id, step->order->run_id);
    pid_t pid;
    int status;
    DM_TRY(dm_mkdirs(cwd, 0777, reterr));
    dm_log(DM_LOG_INFO, "runs %s", step->argv[0]);
    DM_TRY(start(step, cwd, &pid, reterr));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return dm_err_errno(reterr, errno, "could not wait for %s", step->argv[0]);
    if (WIFSIGNALED(status))
        return dm_err_set(reterr, DM_E_TASK, "%s was ended by signal %d", step->argv[0],
                          WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return dm_err_set(reterr, DM_E_TASK, "%s ended with exit status %d", step->argv[0],
                          WEXITSTATUS(status));
    return 0;
}
