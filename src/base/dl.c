/* Libraries opened at first use. */
#include "base/dl.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char program[PATH_MAX], program_dir[PATH_MAX];

static void find_program(void)
{
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (n <= 0)
        DM_BUG("could not read /proc/self/exe: %s", strerror(errno));
    program[n] = '\0';
    memcpy(program_dir, program, sizeof(program));
    char *slash = strrchr(program_dir, '/');
    if (slash)
        *slash = '\0';
}

static pthread_once_t program_once = PTHREAD_ONCE_INIT;

const char *dm_program_path(void)
{
    pthread_once(&program_once, find_program);
    return program;
}

const char *dm_program_dir(void)
{
    pthread_once(&program_once, find_program);
    return program_dir;
}

/* Lazily: a task that opens libpq calls few of the functions of the libraries that come with it. */
static void *open_library(const char *name)
{
    /* Beside the program, where an installation puts it, and above the programs of the tests. */
    static const char *const places[] = {".", "../lib/daymill", ".."};
    for (size_t i = 0; !strchr(name, '/') && i < sizeof(places) / sizeof(places[0]); i++) {
        char path[PATH_MAX * 2];
        snprintf(path, sizeof(path), "%s/%s/%s", dm_program_dir(), places[i], name);
        void *h = access(path, R_OK) == 0 ? dlopen(path, RTLD_LAZY | RTLD_LOCAL) : NULL;
        if (h)
            return h;
    }
    return dlopen(name, RTLD_LAZY | RTLD_LOCAL);
}

static int open_locked(const char *name, const char *package, const struct dm_dl_symbol *symbols,
                       struct dm_err *reterr)
{
    const struct dm_dl_symbol *last = symbols;
    while (last[1].name)
        last++;
    if (*last->slot)
        return 0;
    void *h = open_library(name);
    if (!h) {
        dm_err_set(reterr, DM_E_LIBRARY, "could not load the library %s: %s", name, dlerror());
        return dm_err_hint(reterr, "Install the package %s.", package), DM_E_LIBRARY;
    }
    for (const struct dm_dl_symbol *s = symbols; s->name; s++) {
        void *p = dlsym(h, s->name);
        if (!p) {
            dm_err_set(reterr, DM_E_LIBRARY, "the library %s has no function %s", name, s->name);
            dm_err_hint(reterr, "Install a newer version of the package %s.", package);
            dlclose(h);
            return DM_E_LIBRARY;
        }
        *s->slot = p;
    }
    return 0;
}

int dm_dl_open(const char *name, const char *package, const struct dm_dl_symbol *symbols,
               struct dm_err *reterr)
{
    pthread_mutex_lock(&lock);
    int rc = open_locked(name, package, symbols, reterr);
    pthread_mutex_unlock(&lock);
    return rc;
}
