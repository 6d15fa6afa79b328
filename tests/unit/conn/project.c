/* conn/project.h: finding a project, its settings, the place of the socket. */
#include <sys/stat.h>

#include "scratch_project.h"

static void a_folder_below_the_project_finds_it(void)
{
    _cleanup_scratch_ struct scratch s;
    struct dm_err err;
    T_TRY(scratch_open(&s, "", "", &err), err);
    char below[128];
    snprintf(below, sizeof(below), "%s/dags/x", s.dir);
    T_TRY(dm_mkdirs(below, 0777, &err), err);
    T_INT(chdir(below), 0);
    unsetenv("DAYMILL_HOME");
    struct dm_project p;
    T_TRY(dm_project_open(&p, NULL, &err), err);
    T_STR(p.dir, s.dir);
    T_STR(dm_project_relative(&p, below), "dags/x");
    T_STR(dm_project_relative(&p, "/etc/hosts"), "/etc/hosts");
    dm_project_release(&p);
    T_INT(chdir("/"), 0);
    T_INT(dm_project_open(&p, NULL, &err), DM_E_NOTFOUND);
    T_HAS(err.hint, "daymill init");
    setenv("DAYMILL_HOME", s.dir, 1);
    T_TRY(dm_project_open(&p, NULL, &err), err);
    T_STR(p.dir, s.dir);
    dm_project_release(&p);
    unsetenv("DAYMILL_HOME");
}

static void settings_are_checked(void)
{
    static const struct {
        const char *text, *message, *hint;
        int line, col;
    } cases[] = {
        {"jobs: 4\nbuckett: x\n", "unknown key \"buckett\"", "Did you mean \"bucket\"?", 2, 1},
        {"warehouse:\n  threds: 2\n", "unknown key \"warehouse.threds\"",
         "Did you mean \"warehouse.threads\"?", 2, 3},
        {"jobs: many\n", "jobs must be a", "", 1, 7},
        {"jobs: 0\n", "jobs must be at least 1, not 0", "", 1, 7},
        {"warehouse: fast\n", "warehouse must be a map", "", 1, 12},
        {"- a\n", "daymill.yaml must be a map", "", 1, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        _cleanup_scratch_ struct scratch s;
        struct dm_err err = {0};
        T_OK(scratch_open(&s, cases[i].text, "", &err) < 0);
        T_HAS(err.message, cases[i].message);
        T_HAS(err.hint, cases[i].hint);
        T_STR(err.file, "daymill.yaml");
        T_INT(err.line, cases[i].line);
        T_INT(err.col, cases[i].col);
    }
}

static void settings_are_found_by_their_path(void)
{
    _cleanup_scratch_ struct scratch s;
    struct dm_err err;
    T_TRY(scratch_open(&s, "bucket: b\nwarehouse: {threads: 3}\n", "", &err), err);
    T_INT(dm_project_config(&s.project, "warehouse.threads")->i, 3);
    T_DMSTR(dm_project_config(&s.project, "bucket")->s, "b");
    T_OK(!dm_project_config(&s.project, "warehouse.idle_close"));
    T_OK(!dm_project_config(&s.project, "jobs"));
}

static void a_long_path_puts_the_socket_into_a_private_folder(void)
{
    _cleanup_scratch_ struct scratch s;
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    T_TRY(scratch_open(&s, "", "", &err), err);
    T_STR(s.project.socket_dir, s.project.run_dir);
    char name[101] = {0};
    memset(name, 'x', 100);
    const char *deep = dm_path_join(&a, s.dir, name);
    T_TRY(dm_mkdirs(deep, 0777, &err), err);
    T_TRY(dm_file_write(dm_path_join(&a, deep, "daymill.yaml"), DM_STR(""), 0644, &err), err);
    struct dm_project p, again;
    T_TRY(dm_project_open(&p, deep, &err), err);
    struct stat st;
    T_OK(!dm_exists(p.socket_dir));
    T_TRY(dm_project_make_socket_dir(&p, &err), err);
    T_INT(stat(p.socket_dir, &st), 0);
    T_INT(st.st_mode & 0777, 0700);
    T_OK(strlen(p.socket_dir) + 1 + strlen(DM_WAREHOUSE_SOCKET) <= DM_SOCKET_PATH_MAX);
    T_TRY(dm_project_open(&again, deep, &err), err);
    T_STR(again.socket_dir, p.socket_dir);
    dm_project_release(&again);
    /* Anybody may write below /tmp: a folder that others can enter is refused. */
    T_INT(chmod(p.socket_dir, 0755), 0);
    T_INT(dm_project_open(&again, deep, &err), DM_E_PERMISSION);
    T_INT(rmdir(p.socket_dir), 0);
    T_INT(symlink(s.dir, p.socket_dir), 0);
    T_INT(dm_project_open(&again, deep, &err), DM_E_PERMISSION);
    T_INT(unlink(p.socket_dir), 0);
    dm_project_release(&p);
}

T_MAIN(T_CASE(a_folder_below_the_project_finds_it), T_CASE(settings_are_checked),
       T_CASE(settings_are_found_by_their_path),
       T_CASE(a_long_path_puts_the_socket_into_a_private_folder))
