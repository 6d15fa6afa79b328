/* The files of an input: folders, hidden names, partitions. */
#include "text/listing.h"
#include "text/bytes.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

static char *copy(const char *s, size_t n)
{
    char *p = dm_text_realloc(NULL, n + 1);
    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

static char *join(const char *dir, const char *name)
{
    size_t n = strlen(dir), k = strlen(name);
    char *p = dm_text_realloc(NULL, n + k + 2);
    memcpy(p, dir, n);
    if (n && p[n - 1] != '/')
        p[n++] = '/';
    memcpy(p + n, name, k + 1);
    return p;
}

static bool is_hidden(const char *name)
{
    size_t n = strlen(name), k = strlen("._COPYING_");
    return name[0] == '.' || (name[0] == '_' && !strchr(name, '=')) ||
           (n >= k && strcmp(name + n - k, "._COPYING_") == 0);
}

static void free_values(char **values, size_t n)
{
    for (size_t i = 0; values && i < n; i++)
        free(values[i]);
    free(values);
}

/* ---- `key=value` folders ---- */

struct component {
    const char *p;
    size_t len;
};

/* The folders between the input and the file whose names are partitions: the last unbroken run of them.
   *ret_base: how much of `folders` lies above. */
static size_t partitions_of(const char *folders, struct component *ret, size_t max,
                            size_t *ret_base)
{
    size_t n = 0, end = strlen(folders);
    *ret_base = 0;
    while (end) {
        size_t start = end;
        while (start && folders[start - 1] != '/')
            start--;
        bool partition = memchr(folders + start, '=', end - start) != NULL;
        if (!partition && n) {
            *ret_base = end;
            break;
        }
        if (partition && n < max)
            ret[n++] = (struct component){folders + start, end - start};
        end = start ? start - 1 : 0;
    }
    for (size_t i = 0; i < n / 2; i++) {
        struct component c = ret[i];
        ret[i] = ret[n - 1 - i];
        ret[n - 1 - i] = c;
    }
    return n;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* %41 -> A, as Hive writes what a path cannot hold. */
static char *unescaped(const char *p, size_t n)
{
    char *s = copy(p, n);
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        int high = p[i] == '%' && i + 2 < n ? hex(p[i + 1]) : -1;
        int low = high >= 0 ? hex(p[i + 2]) : -1;
        s[k++] = low >= 0 ? (char)(high << 4 | low) : p[i];
        if (low >= 0)
            i += 2;
    }
    s[k] = '\0';
    return s;
}

static int conflict(const char *path, struct dm_text_err *reterr)
{
    return dm_text_fail(
        reterr, DM_TEXT_E_PARTITIONS,
        "the folders of \"%s\" do not have the same key=value columns as the others", path);
}

static int take_partitions(struct dm_listing *l, struct dm_listing_file *f, const char *folders,
                           struct dm_text_err *reterr)
{
    struct component parts[DM_LISTING_DEPTH_MAX];
    size_t base, n = partitions_of(folders, parts, DM_LISTING_DEPTH_MAX, &base);
    if (!n)
        return 0;
    char **names = dm_text_realloc(NULL, n * sizeof(*names));
    f->partitioned = true;
    f->values = dm_text_realloc(NULL, n * sizeof(*f->values));
    bool same = !l->partition_columns || l->n_partition_columns == n;
    bool empty = false;
    for (size_t i = 0; i < n; i++) {
        const char *equals = memchr(parts[i].p, '=', parts[i].len);
        size_t key = (size_t)(equals - parts[i].p);
        names[i] = unescaped(parts[i].p, key);
        f->values[i] = unescaped(equals + 1, parts[i].len - key - 1);
        empty |= !names[i][0] || !f->values[i][0];
        same = same && (!l->partition_columns || strcmp(names[i], l->partition_columns[i]) == 0);
        if (strcmp(f->values[i], "__HIVE_DEFAULT_PARTITION__") == 0) {
            free(f->values[i]);
            f->values[i] = NULL;
        }
    }
    if (!l->partition_columns) {
        l->partition_columns = names;
        l->n_partition_columns = n;
    } else {
        free_values(names, n);
        if (!same)
            free_values(f->values, n), f->values = NULL;
    }
    return same && !empty ? 0 : conflict(f->path, reterr);
}

/* Spark reads a column of whole numbers as numbers: 007 is 7. */
static void canonical_numbers(struct dm_listing *l, size_t column)
{
    for (int change = 0; change < 2; change++)
        for (size_t i = 0; i < l->n; i++) {
            char *v = l->files[i].values ? l->files[i].values[column] : NULL;
            if (!v)
                continue;
            char *end;
            errno = 0;
            int64_t number = strtoll(v, &end, 10);
            if (!change && (errno || *end || *v == ' ' || (*v >= '\t' && *v <= '\r')))
                return;
            if (change) {
                free(v);
                char text[32];
                int n = snprintf(text, sizeof(text), "%" PRId64, number);
                l->files[i].values[column] = copy(text, (size_t)n);
            }
        }
}

int dm_listing_partition(struct dm_listing *l, struct dm_text_err *reterr)
{
    for (size_t i = 0; i < l->n; i++) {
        struct dm_listing_file *f = &l->files[i];
        if (f->folders)
            DM_TEXT_TRY(take_partitions(l, f, f->folders, reterr));
    }
    for (size_t c = 0; c < l->n_partition_columns; c++)
        canonical_numbers(l, c);
    if (l->partition_columns)
        return 0;
    /* No partitions: only what lies directly in the folder counts. */
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (l->files[i].folders && l->files[i].folders[0]) {
            free(l->files[i].path);
            free(l->files[i].folders);
        } else {
            l->files[kept++] = l->files[i];
        }
    }
    l->n = kept;
    return 0;
}

/* ---- folders ---- */

static int add_file(struct dm_listing *l, const char *path, const char *folders, uint64_t size,
                    struct dm_text_err *reterr)
{
    if (l->n == DM_LISTING_FILES_MAX)
        return dm_text_fail(reterr, DM_TEXT_E_LIMIT, "more than %d files (DM_LISTING_FILES_MAX)",
                            DM_LISTING_FILES_MAX);
    if (l->n == l->cap) {
        l->cap = l->cap * 2 + 16;
        l->files = dm_text_realloc(l->files, l->cap * sizeof(*l->files));
    }
    l->files[l->n++] = (struct dm_listing_file){
        .path = copy(path, strlen(path)),
        .folders = folders ? copy(folders, strlen(folders)) : NULL,
        .size = size,
    };
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(const char *path, char ***ret_names, size_t *ret_n,
                      struct dm_text_err *reterr)
{
    DIR *d = opendir(path);
    if (!d)
        return dm_text_fail_errno(reterr, errno, "could not list \"%s\"", path);
    char **names = NULL;
    size_t n = 0, cap = 0;
    int rc = 0;
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(d);
        if (!e) {
            if (errno)
                rc = dm_text_fail_errno(reterr, errno, "could not list \"%s\"", path);
            break;
        }
        if (is_hidden(e->d_name))
            continue;
        if (n == DM_LISTING_FILES_MAX) {
            rc = dm_text_fail(reterr, DM_TEXT_E_LIMIT,
                              "\"%s\" has more than %d files (DM_LISTING_FILES_MAX)", path,
                              DM_LISTING_FILES_MAX);
            break;
        }
        if (n == cap) {
            cap = cap * 2 + 16;
            names = dm_text_realloc(names, cap * sizeof(*names));
        }
        names[n++] = copy(e->d_name, strlen(e->d_name));
    }
    closedir(d);
    if (rc < 0) {
        free_values(names, n);
        return rc;
    }
    if (n)
        qsort(names, n, sizeof(*names), by_name);
    *ret_names = names;
    *ret_n = n;
    return 0;
}

static int add_folder(struct dm_listing *l, const char *path, const char *folders, bool partitions,
                      unsigned depth, struct dm_text_err *reterr);

/* The files of the folder first, then its sub-folders. */
static int add_entry(struct dm_listing *l, const char *path, const char *name, const char *folders,
                     bool want_folder, bool partitions, unsigned depth, struct dm_text_err *reterr)
{
    struct stat st;
    int rc = 0;
    char *full = join(path, name), *below = join(folders, name);
    if (stat(full, &st) < 0)
        rc = errno == ENOENT ? 0 : dm_text_fail_errno(reterr, errno, "could not read \"%s\"", full);
    else if (S_ISDIR(st.st_mode) && want_folder && partitions)
        rc = add_folder(l, full, below, partitions, depth + 1, reterr);
    else if (S_ISREG(st.st_mode) && !want_folder) {
        l->seen += !folders[0] || strchr(folders, '=');
        if (st.st_size)
            rc = add_file(l, full, folders, (uint64_t)st.st_size, reterr);
    }
    free(full);
    free(below);
    return rc;
}

static int add_folder(struct dm_listing *l, const char *path, const char *folders, bool partitions,
                      unsigned depth, struct dm_text_err *reterr)
{
    if (depth > DM_LISTING_DEPTH_MAX)
        return dm_text_fail(reterr, DM_TEXT_E_LIMIT,
                            "\"%s\" lies more than %d folders deep (DM_LISTING_DEPTH_MAX)", path,
                            DM_LISTING_DEPTH_MAX);
    char **names = NULL;
    size_t n = 0;
    DM_TEXT_TRY(read_names(path, &names, &n, reterr));
    int rc = 0;
    for (int want_folder = 0; want_folder < 2 && rc == 0; want_folder++)
        for (size_t i = 0; i < n && rc == 0; i++)
            rc = add_entry(l, path, names[i], folders, want_folder, partitions, depth, reterr);
    free_values(names, n);
    return rc;
}

int dm_listing_add(struct dm_listing *l, const char *path, bool partitions,
                   struct dm_text_err *reterr)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return dm_text_fail_errno(reterr, errno, "could not read \"%s\"", path);
    if (S_ISDIR(st.st_mode))
        return add_folder(l, path, "", partitions, 0, reterr);
    l->seen++;
    if (S_ISREG(st.st_mode) && !st.st_size)
        return 0;
    return add_file(l, path, NULL, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0, reterr);
}

static int larger_first(const void *a, const void *b)
{
    const struct dm_listing_file *x = a, *y = b;
    return x->size != y->size ? (x->size < y->size ? 1 : -1)
                              : (x->order > y->order) - (x->order < y->order);
}

void dm_listing_by_size(struct dm_listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        l->files[i].order = i;
    if (l->n)
        qsort(l->files, l->n, sizeof(*l->files), larger_first);
}

void dm_listing_release(struct dm_listing *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->files[i].path);
        free(l->files[i].folders);
        free_values(l->files[i].values, l->n_partition_columns);
    }
    free(l->files);
    free_values(l->partition_columns, l->n_partition_columns);
    *l = (struct dm_listing){0};
}
