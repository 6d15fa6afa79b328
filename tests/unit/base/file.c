/* base/file.h: whole-or-nothing writes and paths by text. */
#include <pthread.h>
#include <sys/stat.h>

#include "base/file.h"
#include "t.h"

static char dir[] = "/tmp/dm-file-XXXXXX";

static void an_uncommitted_file_leaves_nothing(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    T_OK(mkdtemp(dir));
    struct dm_pending_file p;
    T_TRY(dm_file_begin(&p, dir, &err), err);
    T_TRY(dm_file_append(&p, "half", 4, &err), err);
    dm_file_release(&p);
    const char *const *names;
    size_t n;
    T_TRY(dm_list_dir(&a, dir, &names, &n, &err), err);
    T_INT(n, 0);
}

static void a_committed_file_has_its_bytes_and_mode(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    const char *path = dm_path_join(&a, dir, "x/y/z.txt");
    T_TRY(dm_file_write(dm_path_join(&a, dir, "first"), DM_STR("1"), 0444, &err), err);
    T_TRY(dm_mkdirs_for(path, &err), err);
    T_TRY(dm_file_write(path, DM_STR("whole"), 0444, &err), err);
    struct dm_str text;
    T_TRY(dm_file_read(&a, path, 5, &text, &err), err);
    T_DMSTR(text, "whole");
    T_INT(dm_file_read(&a, path, 4, &text, &err), DM_E_LIMIT);
    struct stat st;
    T_INT(stat(path, &st), 0);
    T_INT(st.st_mode & 0777, 0444);
    T_TRY(dm_remove_tree(dir, &err), err);
    T_OK(!dm_exists(dir));
}

static void paths_are_cleaned_by_text(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    T_STR(dm_path_clean(&a, "/a/./b//../c"), "/a/c");
    T_STR(dm_path_clean(&a, "../x/.."), "..");
    T_STR(dm_path_clean(&a, "a/../../b"), "../b");
    T_STR(dm_path_clean(&a, "/.."), "/");
    T_STR(dm_path_clean(&a, ""), ".");
    T_OK(dm_path_below(&a, "/p/data/x", "/p/data"));
    T_OK(!dm_path_below(&a, "/p/data/../secret", "/p/data"));
    T_OK(!dm_path_below(&a, "/p/database", "/p/data"));
}

static _Atomic bool done;

static void *remove_the_empty_folder(void *folder)
{
    while (!done) {
        rmdir(folder);
        usleep(50); /* often, but not so that nobody else ever gets between */
    }
    return NULL;
}

/* As one step writes /output/2 while the end of another day removes /output/1 and with it an empty /output. */
static void a_rename_makes_folders_that_somebody_removes_while_they_are_empty(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    pthread_t other;
    const char *from = dm_path_join(&a, dir, "from"), *to = dm_path_join(&a, dir, "output/2/file");
    T_INT(pthread_create(&other, NULL, remove_the_empty_folder,
                         (void *)dm_path_join(&a, dir, "output/2")),
          0);
    for (int i = 0; i < 500; i++) {
        T_TRY(dm_file_write(from, DM_STR("x"), 0644, &err), err);
        T_TRY(dm_rename(from, to, &err), err);
        T_INT(unlink(to), 0);
    }
    done = true;
    pthread_join(other, NULL);
    T_INT(dm_rename(from, to, &err), DM_E_NOTFOUND);
}

T_MAIN(T_CASE(an_uncommitted_file_leaves_nothing), T_CASE(a_committed_file_has_its_bytes_and_mode),
       T_CASE(a_rename_makes_folders_that_somebody_removes_while_they_are_empty),
       T_CASE(paths_are_cleaned_by_text))
