/* conn/lake.h, the local lake: whole or not at all, immutable objects, links, names, landing a vendor's file. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "conn/lake.h"
#include "scratch_project.h"

static const char connections[] = "lake: {conn_type: local_lake}\n";

struct world {
    struct scratch s;
    struct dm_arena arena;
    struct dm_lake *lake;
    struct dm_err err;
};

static void world_close(struct world *w)
{
    dm_arena_release(&w->arena);
    scratch_close(&w->s);
}
#define _cleanup_world_ DM_CLEANUP(world_close)

static int world_open(struct world *w)
{
    struct dm_connection c;
    dm_arena_init(&w->arena);
    DM_TRY(scratch_open(&w->s, "", connections, &w->err));
    DM_TRY(dm_conn_find(&w->arena, &w->s.project, DM_STR("lake"), &c, &w->err));
    return dm_lake_open(&w->arena, &w->s.project, &c, &w->lake, &w->err);
}

static int put(struct world *w, const char *key, const char *text)
{
    struct dm_lake_write write;
    DM_TRY(dm_lake_begin(w->lake, (struct dm_object_name){"b", key}, &write, &w->err));
    int rc = dm_lake_append(&write, text, strlen(text), &w->err);
    if (rc == 0)
        rc = dm_lake_commit(&write, &w->err);
    dm_lake_write_release(&write);
    return rc;
}

static const char *path(struct world *w, const char *name)
{
    return dm_path_join(&w->arena, w->s.dir, name);
}

static struct stat look(struct world *w, const char *name)
{
    struct stat st = {0};
    if (stat(path(w, name), &st) < 0)
        t_fail(__FILE__, __LINE__, "%s: %s", name, strerror(errno));
    return st;
}

static const char *text_of(struct world *w, const char *name)
{
    struct dm_str text;
    if (dm_file_read(&w->arena, path(w, name), 1 << 20, &text, &w->err) < 0)
        return w->err.message;
    return dm_str_cstr(&w->arena, text);
}

/* A file that a vendor left a while ago. */
static int drop(struct world *w, const char *name, const char *text)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {0}};
    DM_TRY(dm_mkdirs_for(path(w, name), &w->err));
    DM_TRY(dm_file_write(path(w, name), dm_str_c(text), 0644, &w->err));
    times[1].tv_sec = 1000000000;
    utimensat(AT_FDCWD, path(w, name), times, 0);
    return 0;
}

static void an_object_appears_whole_and_immutable(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    struct dm_lake_write write;
    T_TRY(dm_lake_begin(w.lake, (struct dm_object_name){"b", "raw/x.csv"}, &write, &w.err), w.err);
    T_TRY(dm_lake_append(&write, "abc", 3, &w.err), w.err);
    T_OK(!dm_exists(path(&w, "lake/b/raw/x.csv")));
    T_TRY(dm_lake_commit(&write, &w.err), w.err);
    dm_lake_write_release(&write);
    T_STR(text_of(&w, "lake/b/raw/x.csv"), "abc");
    T_INT(look(&w, "lake/b/raw/x.csv").st_mode & 0777, 0444);
    struct dm_object_info info;
    T_TRY(dm_lake_stat(w.lake, (struct dm_object_name){"b", "raw/x.csv"}, &info, &w.err), w.err);
    T_INT(info.size, 3);
    T_TRY(dm_lake_begin(w.lake, (struct dm_object_name){"b", "raw/y.csv"}, &write, &w.err), w.err);
    dm_lake_write_release(&write);
    const char *const *names;
    size_t n;
    T_TRY(dm_list_dir(&w.arena, path(&w, "lake/.tmp"), &names, &n, &w.err), w.err);
    T_INT(n, 0);
}

static void keys_that_a_file_system_cannot_hold_are_refused(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    char longest[300] = {0};
    memset(longest, 'k', 256);
    const struct {
        const char *key, *why;
    } cases[] = {
        {"a/../b", ". or .."}, {"./a", ". or .."},     {"a//b", "//"},   {"/a", "begins"},
        {"a/", "ends with /"}, {longest, "255 bytes"}, {"", "is empty"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        T_INT(put(&w, cases[i].key, "x"), DM_E_INVALID);
        T_HAS(w.err.message, cases[i].why);
    }
    T_TRY(put(&w, "folder/x", "1"), w.err);
    T_INT(put(&w, "folder", "2"), DM_E_INVALID);
    T_HAS(w.err.message, "objects below that key");
    T_INT(put(&w, "folder/x/y", "2"), DM_E_INVALID);
    T_HAS(w.err.message, "lake/b/folder/x is an object itself");
    struct dm_lake_write write;
    T_INT(dm_lake_begin(w.lake, (struct dm_object_name){".tmp", "x"}, &write, &w.err),
          DM_E_INVALID);
}

static void a_copy_is_a_link_and_replacing_one_leaves_the_other(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    struct dm_object_name a = {"b", "raw/a"}, b = {"b", "stage/a"};
    T_TRY(put(&w, "raw/a", "one"), w.err);
    T_TRY(dm_lake_copy(w.lake, a, b, &w.err), w.err);
    T_INT(look(&w, "lake/b/raw/a").st_ino, look(&w, "lake/b/stage/a").st_ino);
    T_TRY(dm_lake_copy(w.lake, a, b, &w.err), w.err); /* the same again leaves no temporary */
    T_INT(look(&w, "lake/b/raw/a").st_nlink, 2);
    T_TRY(put(&w, "stage/a", "two"), w.err);
    T_STR(text_of(&w, "lake/b/raw/a"), "one");
    T_STR(text_of(&w, "lake/b/stage/a"), "two");
    /* An object that somebody made writable by hand is copied: it may change. */
    T_INT(chmod(path(&w, "lake/b/raw/a"), 0644), 0);
    T_TRY(dm_lake_copy(w.lake, a, b, &w.err), w.err);
    T_OK(look(&w, "lake/b/raw/a").st_ino != look(&w, "lake/b/stage/a").st_ino);
    T_INT(look(&w, "lake/b/stage/a").st_mode & 0777, 0444);
}

static void files_of_the_cluster_are_links_where_they_are_immutable(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    T_TRY(put(&w, "raw/a", "one"), w.err);
    T_TRY(dm_lake_to_file(w.lake, (struct dm_object_name){"b", "raw/a"},
                          path(&w, "cluster/c/movie/a"), &w.err),
          w.err);
    T_INT(look(&w, "lake/b/raw/a").st_ino, look(&w, "cluster/c/movie/a").st_ino);
    T_TRY(dm_lake_from_file(w.lake, path(&w, "cluster/c/movie/a"),
                            (struct dm_object_name){"b", "stage/a"}, &w.err),
          w.err);
    T_INT(look(&w, "lake/b/raw/a").st_nlink, 3);
    T_TRY(dm_file_write(path(&w, "cluster/c/out"), DM_STR("mutable"), 0644, &w.err), w.err);
    T_TRY(dm_lake_from_file(w.lake, path(&w, "cluster/c/out"), (struct dm_object_name){"b", "out"},
                            &w.err),
          w.err);
    T_INT(look(&w, "cluster/c/out").st_nlink, 1);
    T_STR(text_of(&w, "lake/b/out"), "mutable");
    const char *const *names;
    size_t n;
    T_TRY(dm_list_dir(&w.arena, path(&w, "cluster/c/movie"), &names, &n, &w.err), w.err);
    T_INT(n, 1);
}

static void a_listing_has_the_keys_with_the_prefix_in_order(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    static const char *const keys[] = {"raw/a/2", "raw/ab/1", "raw/a/1", "raw/a-b", "stage/x"};
    for (size_t i = 0; i < 5; i++)
        T_TRY(put(&w, keys[i], "x"), w.err);
    struct dm_object_info *o;
    size_t n;
    T_TRY(dm_lake_list(w.lake, &w.arena, (struct dm_object_name){"b", "raw/a"}, &o, &n, &w.err),
          w.err);
    T_INT(n, 4);
    T_STR(o[0].key, "raw/a-b");
    T_STR(o[1].key, "raw/a/1");
    T_STR(o[3].key, "raw/ab/1");
    T_TRY(dm_lake_list(w.lake, &w.arena, (struct dm_object_name){"b", "raw/a/"}, &o, &n, &w.err),
          w.err);
    T_INT(n, 2);
    T_TRY(dm_lake_list(w.lake, &w.arena, (struct dm_object_name){"b", ""}, &o, &n, &w.err), w.err);
    T_INT(n, 5);
    T_TRY(dm_lake_list(w.lake, &w.arena, (struct dm_object_name){"b", "no/such"}, &o, &n, &w.err),
          w.err);
    T_INT(n, 0);
}

static void a_missing_object_says_what_lies_beside_it(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    T_TRY(put(&w, "raw/movie.csv", "x"), w.err);
    struct dm_object_info info;
    T_INT(dm_lake_stat(w.lake, (struct dm_object_name){"b", "raw/movies.csv"}, &info, &w.err),
          DM_E_NOTFOUND);
    T_STR(w.err.message, "there is no object s3://b/raw/movies.csv");
    T_STR(w.err.detail, "The folder lake/b/raw has movie.csv.");
    T_STR(w.err.hint, "Did you mean \"movie.csv\"?");
}

static void deleting_the_last_object_removes_its_folders(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    T_TRY(put(&w, "raw/d/x", "x"), w.err);
    T_TRY(put(&w, "raw/e", "x"), w.err);
    T_TRY(dm_lake_delete(w.lake, (struct dm_object_name){"b", "raw/d/x"}, &w.err), w.err);
    T_OK(!dm_exists(path(&w, "lake/b/raw/d")));
    T_OK(dm_exists(path(&w, "lake/b/raw/e")));
    T_TRY(dm_lake_delete(w.lake, (struct dm_object_name){"b", "raw/d/x"}, &w.err), w.err);
    T_TRY(dm_lake_delete(w.lake, (struct dm_object_name){"b", "raw/e"}, &w.err), w.err);
    T_OK(dm_exists(path(&w, "lake/b")));
}

static void a_vendors_file_is_copied_once_and_never_linked(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    struct dm_object_name day1 = {"b", "raw/1/m.csv"}, day2 = {"b", "raw/2/m.csv"},
                          day3 = {"b", "raw/3/m.csv"};
    const char *identity, *second;
    bool linked;
    uint64_t bytes;
    T_TRY(drop(&w, "data/m.csv", "reviews"), w.err);
    T_TRY(dm_lake_land(w.lake, &w.arena, path(&w, "data/m.csv"), NULL, day1, &identity, &linked,
                       &bytes, &w.err),
          w.err);
    T_OK(!linked);
    T_INT(bytes, 7);
    T_INT(look(&w, "data/m.csv").st_nlink, 1);
    /* Its change time is now, so its record says nothing: the bytes do. */
    struct dm_landing known = {identity, day1};
    T_TRY(dm_lake_land(w.lake, &w.arena, path(&w, "data/m.csv"), &known, day3, &second, &linked,
                       &bytes, &w.err),
          w.err);
    T_OK(linked);
    T_STR(second, identity);
    usleep(2100000);
    T_TRY(dm_lake_land(w.lake, &w.arena, path(&w, "data/m.csv"), &known, day1, &second, &linked,
                       &bytes, &w.err),
          w.err);
    T_OK(linked && strcmp(second, identity) != 0);
    known.identity = identity = second;
    T_TRY(dm_lake_land(w.lake, &w.arena, path(&w, "data/m.csv"), &known, day2, &second, &linked,
                       &bytes, &w.err),
          w.err);
    T_OK(linked);
    T_STR(second, identity);
    T_INT(look(&w, "lake/b/raw/1/m.csv").st_ino, look(&w, "lake/b/raw/2/m.csv").st_ino);
    /* Rewritten in place, same size: what landed before stays, what lands now is the new text. */
    int fd = open(path(&w, "data/m.csv"), O_WRONLY);
    T_INT(pwrite(fd, "REVIEWS", 7, 0), 7);
    close(fd);
    known.object = day2;
    T_TRY(dm_lake_land(w.lake, &w.arena, path(&w, "data/m.csv"), &known, day3, &second, &linked,
                       &bytes, &w.err),
          w.err);
    T_OK(!linked);
    T_STR(text_of(&w, "lake/b/raw/1/m.csv"), "reviews");
    T_STR(text_of(&w, "lake/b/raw/3/m.csv"), "REVIEWS");
    /* Dropped anew with the same text: no second copy. */
    known = (struct dm_landing){second, day3};
    T_INT(unlink(path(&w, "data/m.csv")), 0);
    T_TRY(drop(&w, "data/m.csv", "REVIEWS"), w.err);
    T_TRY(dm_lake_land(w.lake, &w.arena, path(&w, "data/m.csv"), &known, day2, &second, &linked,
                       &bytes, &w.err),
          w.err);
    T_OK(linked);
    T_INT(look(&w, "lake/b/raw/3/m.csv").st_ino, look(&w, "lake/b/raw/2/m.csv").st_ino);
    T_INT(look(&w, "data/m.csv").st_nlink, 1);
}

static void an_object_replaced_by_hand_is_not_taken_for_the_landed_one(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    struct dm_object_name day1 = {"b", "1"}, day2 = {"b", "2"};
    const char *identity;
    bool linked;
    uint64_t bytes;
    T_TRY(drop(&w, "data/m.csv", "reviews"), w.err);
    usleep(2100000);
    T_TRY(dm_lake_land(w.lake, &w.arena, path(&w, "data/m.csv"), NULL, day1, &identity, &linked,
                       &bytes, &w.err),
          w.err);
    T_OK(*identity);
    T_TRY(put(&w, "1", "replaced"), w.err);
    struct dm_landing known = {identity, day1};
    T_TRY(dm_lake_land(w.lake, &w.arena, path(&w, "data/m.csv"), &known, day2, &identity, &linked,
                       &bytes, &w.err),
          w.err);
    T_OK(!linked);
    T_STR(text_of(&w, "lake/b/2"), "reviews");
    T_INT(dm_lake_land(w.lake, &w.arena, path(&w, "data/n.csv"), NULL, day2, &identity, &linked,
                       &bytes, &w.err),
          DM_E_NOTFOUND);
    T_STR(w.err.message, "there is no file data/n.csv");
    T_STR(w.err.detail, "The folder data has m.csv.");
}

static void landings_that_know_nothing_of_each_other_make_one_copy(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    const char *identity, *names[] = {"lake/b/1", "lake/b/2", "lake/b/3"};
    bool linked;
    uint64_t bytes;
    T_TRY(drop(&w, "data/m.csv", "reviews"), w.err);
    for (size_t i = 0; i < 3; i++)
        T_TRY(dm_lake_land(w.lake, &w.arena, path(&w, "data/m.csv"), NULL,
                           (struct dm_object_name){"b", names[i] + 7}, &identity, &linked, &bytes,
                           &w.err),
              w.err);
    T_INT(look(&w, names[0]).st_ino, look(&w, names[2]).st_ino);
    /* The copy that word was left of is gone. */
    T_INT(unlink(path(&w, names[0])), 0);
    T_TRY(dm_lake_land(w.lake, &w.arena, path(&w, "data/m.csv"), NULL,
                       (struct dm_object_name){"b", "4"}, &identity, &linked, &bytes, &w.err),
          w.err);
    T_OK(!linked);
    T_STR(text_of(&w, "lake/b/4"), "reviews");
}

T_MAIN(T_CASE(an_object_appears_whole_and_immutable),
       T_CASE(keys_that_a_file_system_cannot_hold_are_refused),
       T_CASE(a_copy_is_a_link_and_replacing_one_leaves_the_other),
       T_CASE(files_of_the_cluster_are_links_where_they_are_immutable),
       T_CASE(a_listing_has_the_keys_with_the_prefix_in_order),
       T_CASE(a_missing_object_says_what_lies_beside_it),
       T_CASE(deleting_the_last_object_removes_its_folders),
       T_CASE(a_vendors_file_is_copied_once_and_never_linked),
       T_CASE(landings_that_know_nothing_of_each_other_make_one_copy),
       T_CASE(an_object_replaced_by_hand_is_not_taken_for_the_landed_one))
