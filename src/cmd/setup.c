/* Setting a project up: the SQL of each DAG's setup/ folder, then the files of its load.yaml. */
#include "cmd/setup.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/load_file.h"
#include "cmd/sql_run.h"
#include "lang/dag.h"
#include "lang/sql_lex.h"
#include "lang/yaml.h"
#include "op/op.h"

/* ---- SQL ---- */

static int first_line_of(struct dm_str text, size_t at)
{
    int line = 1;
    for (size_t i = 0; i < at && i < text.len; i++)
        line += text.p[i] == '\n';
    return line;
}

static void print_statement(struct dm_str s)
{
    size_t n = 0;
    while (n < s.len && s.p[n] != '\n')
        n++;
    printf("  %.*s%s\n", (int)n, s.p, n < s.len ? " …" : "");
}

static int run_file(struct dm_arena *a, const struct dm_project *p, const struct dm_setup *s,
                    const char *path, const char *conn_id, struct dm_err *reterr)
{
    struct dm_connection c;
    struct dm_str text;
    struct dm_sql_statement *statements;
    size_t n;
    _cleanup_pg_ struct dm_pg *pg = NULL;
    const char *name = dm_project_relative(p, path);
    DM_TRY(dm_file_read(a, path, DM_BUF_TEXT, &text, reterr));
    DM_TRY(dm_sql_split(a, text, &statements, &n, reterr));
    if (dm_conn_find(a, p, dm_str_c(conn_id), &c, reterr) < 0)
        return dm_err_wrap(reterr, "%s", name);
    if (!s->quiet)
        printf("%s%s on %s: %zu statements\n", s->dry_run ? "would run " : "", name, c.conn_id, n);
    if (!s->dry_run)
        DM_TRY(dm_pg_open(p, &c, "daymill setup", &pg, reterr));
    for (size_t i = 0; i < n; i++) {
        struct dm_pg_result r;
        if (s->dry_run) {
            print_statement(statements[i].text);
            continue;
        }
        if (dm_sql_run(pg, a, p, statements[i].text, &r, reterr) < 0)
            return dm_err_at(reterr, name, first_line_of(text, statements[i].at), 1);
    }
    return 0;
}

static int run_folder(struct dm_arena *a, const struct dm_project *p, const struct dm_setup *s,
                      const char *dir, struct dm_err *reterr)
{
    const char *const *names;
    size_t n;
    if (!dm_is_dir(dir))
        return 0;
    DM_TRY(dm_list_dir(a, dir, &names, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        struct dm_str name = dm_str_c(names[i]);
        if (!dm_str_ends(name, DM_STR(".sql")))
            continue;
        const char *conn_id = dm_str_cstr(a, dm_str_sub(name, 0, name.len - 4));
        DM_TRY(run_file(a, p, s, dm_path_join(a, dir, names[i]), conn_id, reterr));
    }
    return 0;
}

/* ---- load.yaml ---- */

struct load {
    const struct dm_project *p;
    const char *yaml;                   /* relative, for messages */
    const char *conn_id, *table, *file; /* file relative to the project */
    const struct dm_value *columns;     /* map: column -> list of other names */
    bool month_first;                   /* dates: mdy, somebody looked */
    int64_t from, to;                   /* the days of the DAGs beside it */
    uint32_t line;
};

static bool is_named(const struct dm_pair *column, const char *name)
{
    struct dm_str given = dm_str_trim(dm_str_c(name));
    if (dm_str_ieq(column->key->s, given))
        return true;
    for (size_t i = 0; i < column->value->list.n; i++)
        if (dm_str_ieq(column->value->list.items[i]->s, given))
            return true;
    return false;
}

/* The table's columns in the order of the file: `"a", "b"`. */
static int map_columns(struct dm_arena *a, const struct load *l, const struct dm_load_header *h,
                       struct dm_strbuf *ret, struct dm_err *reterr)
{
    bool *used = dm_arena_array(a, bool, l->columns->map.n);
    for (size_t i = 0; i < h->n; i++) {
        size_t k = 0;
        while (k < l->columns->map.n && !is_named(&l->columns->map.pairs[k], h->names[i]))
            k++;
        if (k == l->columns->map.n || used[k]) {
            dm_err_set(reterr, DM_E_DATA, "%s: the header's column %zu, \"%s\", %s of %s", l->file,
                       i + 1, h->names[i],
                       k == l->columns->map.n ? "belongs to no column"
                                              : "is the second for the same column",
                       l->table);
            dm_err_at(reterr, l->file, 1, 1);
            return dm_err_hint(reterr, "The names that a column may have are in %s.", l->yaml);
        }
        used[k] = true;
        if (i)
            dm_strbuf_adds(ret, ", ");
        dm_strbuf_add_sql_ident(ret, l->columns->map.pairs[k].key->s);
    }
    for (size_t k = 0; k < l->columns->map.n; k++) {
        if (used[k])
            continue;
        dm_err_set(reterr, DM_E_DATA, "%s has no column \"%.*s\"", l->file,
                   DM_FMT(l->columns->map.pairs[k].key->s));
        dm_err_detail(reterr, "Its header is: %.*s", DM_FMT(dm_str_trim(h->text)));
        dm_err_at(reterr, l->file, 1, 1);
        return dm_err_hint(reterr, "The names that a column may have are in %s.", l->yaml);
    }
    return dm_strbuf_check(ret, "the list of columns", reterr);
}

/* Which columns are dates is what the table says; which days are likely, what the DAGs beside it say. */
static int check_dates(struct dm_arena *a, const struct load *l, const struct dm_pg_result *probe,
                       int fd, struct dm_err *reterr)
{
    enum { OID_DATE = 1082, OID_TIMESTAMP = 1114, OID_TIMESTAMPTZ = 1184 };
    bool *is_date = dm_arena_array(a, bool, probe->n_cols + 1);
    for (size_t i = 0; i < probe->n_cols; i++)
        is_date[i] = probe->oids[i] == OID_DATE || probe->oids[i] == OID_TIMESTAMP ||
                     probe->oids[i] == OID_TIMESTAMPTZ;
    struct dm_load_dates d = {
        .is_date = is_date, .n_cols = probe->n_cols, .from = l->from, .to = l->to, .yaml = l->yaml};
    return dm_load_dates_check(fd, l->file, &d, reterr);
}

/* The server names the line in the context of its error: "COPY t, line 7, column c: …". */
static void add_line(const struct load *l, struct dm_err *err)
{
    int line;
    const char *at = err ? strstr(err->detail, ", line ") : NULL;
    if (at && sscanf(at, ", line %d", &line) == 1)
        dm_err_at(err, l->file, line, 1);
}

const char *dm_setup_stamp(struct dm_arena *a, const char *state_dir, const char *file)
{
    return dm_arena_printf(a, "%s/loaded/%s", state_dir, dm_path_base(file));
}

static int load_one(struct dm_arena *a, const struct load *l, const struct dm_setup *s,
                    struct dm_err *reterr)
{
    struct dm_connection c;
    struct dm_pg_result r;
    int64_t rows;
    _cleanup_pg_ struct dm_pg *pg = NULL;
    DM_TRY(dm_conn_find(a, l->p, dm_str_c(l->conn_id), &c, reterr));
    const char *path = dm_path_join(a, l->p->dir, l->file);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        if (!s->quiet)
            printf("%s is not there: %s is left as it is\n", l->file, l->table);
        return 0;
    }
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not read %s", l->file);
    if (s->dry_run) {
        printf("would load %s into %s on %s, if that is empty\n", l->file, l->table, c.conn_id);
        return 0;
    }
    DM_TRY(dm_pg_open(l->p, &c, "daymill setup", &pg, reterr));
    struct dm_str any = dm_str_printf(a, "SELECT 1 FROM %s LIMIT 1", dm_pg_ident(a, l->table));
    DM_TRY(dm_pg_exec(pg, a, any, NULL, 0, &r, reterr));
    if (r.n_rows) {
        if (!s->quiet)
            printf("%s has rows: %s is not loaded again\n", l->table, l->file);
        return 0;
    }
    _cleanup_strbuf_ struct dm_strbuf columns;
    struct dm_load_header head;
    dm_strbuf_init(&columns, DM_BUF_TEXT);
    DM_TRY(dm_load_header_read(a, fd, &head, reterr));
    DM_TRY(map_columns(a, l, &head, &columns, reterr));
    struct dm_str types =
        dm_str_printf(a, "SELECT %s FROM %s LIMIT 0", columns.p, dm_pg_ident(a, l->table));
    DM_TRY(dm_pg_exec(pg, a, types, NULL, 0, &r, reterr));
    if (!l->month_first)
        DM_TRY(check_dates(a, l, &r, fd, reterr));
    struct dm_str copy = dm_str_printf(a, "COPY %s (%s) FROM STDIN WITH (FORMAT csv, HEADER)",
                                       dm_pg_ident(a, l->table), columns.p);
    DM_TRY(dm_pg_exec(pg, a, DM_STR("SET datestyle TO 'ISO, MDY'"), NULL, 0, &r, reterr));
    if (dm_pg_copy_in(pg, copy, dm_sql_read_fd, &fd, &rows, reterr) < 0) {
        add_line(l, reterr);
        return dm_err_wrap(reterr, "loading %s", l->file);
    }
    const char *stamp = dm_setup_stamp(a, dm_path_dir(a, l->p->state_path), l->file);
    DM_TRY(dm_mkdirs_for(stamp, reterr));
    DM_TRY(dm_file_write(stamp, DM_STR(""), 0644, reterr));
    if (!s->quiet)
        printf("%s: %lld rows into %s\n", l->file, (long long)rows, l->table);
    return 0;
}

static int bad_load(const struct load *l, const char *what, struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_INVALID, "%s", what);
    dm_err_at(reterr, l->yaml, (int)l->line, 1);
    return dm_err_hint(reterr,
                       "An entry has conn_id, table, file, columns: {column: [other names]}, and "
                       "perhaps dates: mdy.");
}

static int read_load(struct dm_arena *a, const struct dm_value *v, struct load *l,
                     struct dm_err *reterr)
{
    l->line = v->line;
    l->conn_id = dm_str_cstr(a, dm_map_str(v, "conn_id", ""));
    l->table = dm_str_cstr(a, dm_map_str(v, "table", ""));
    l->file = dm_str_cstr(a, dm_map_str(v, "file", ""));
    l->columns = dm_map_at(v, "columns");
    struct dm_str dates = dm_map_str(v, "dates", "");
    l->month_first = dm_str_is(dates, "mdy");
    if (dates.len && !l->month_first)
        return bad_load(l, "dates can only be mdy (ISO dates are always read)", reterr);
    if (!*l->conn_id || !*l->table || !*l->file)
        return bad_load(l, "an entry without conn_id, table or file", reterr);
    if (!l->columns || l->columns->kind != DM_MAP || !l->columns->map.n)
        return bad_load(l, "an entry without columns", reterr);
    for (size_t i = 0; i < l->columns->map.n; i++) {
        const struct dm_pair *pair = &l->columns->map.pairs[i];
        if (pair->key->kind != DM_STRING || pair->value->kind != DM_LIST)
            return bad_load(l, "columns are not names with lists of other names", reterr);
        for (size_t k = 0; k < pair->value->list.n; k++)
            if (pair->value->list.items[k]->kind != DM_STRING)
                return bad_load(l, "another name of a column is not a text", reterr);
    }
    if (!dm_path_below(a, dm_path_join(a, l->p->dir, l->file), l->p->dir))
        return bad_load(l, "the file lies outside the project", reterr);
    return 0;
}

/* The days that the DAGs of a folder cover; DM_NEVER where one is open or wrong. */
static void expected_days(struct dm_arena *a, const struct dm_project *p, const char *dag_dir,
                          struct load *l)
{
    struct dm_load_world world = {
        .project_dir = p->dir, .ops = dm_op_table(), .now = dm_clock_now()};
    struct dm_dag_set set;
    l->from = l->to = DM_NEVER;
    if (dm_dags_load(a, dag_dir, &world, &set, NULL) < 0)
        return;
    for (size_t i = 0; i < set.n_dags; i++) {
        const struct dm_dag *d = set.dags[i];
        if (d->start_date == DM_NEVER || d->end_date == DM_NEVER) {
            l->from = l->to = DM_NEVER;
            return;
        }
        l->from = !i || d->start_date < l->from ? d->start_date : l->from;
        l->to = !i || d->end_date > l->to ? d->end_date : l->to;
    }
}

static int load_files(struct dm_arena *a, const struct dm_project *p, const struct dm_setup *s,
                      const char *dag_dir, struct dm_err *reterr)
{
    const char *dir = dm_path_join(a, dag_dir, "setup");
    const char *path = dm_path_join(a, dir, "load.yaml");
    struct dm_str text;
    const struct dm_value *doc;
    if (!dm_exists(path))
        return 0;
    struct load l = {.p = p, .yaml = dm_project_relative(p, path)};
    DM_TRY(dm_file_read(a, path, DM_BUF_TEXT, &text, reterr));
    DM_TRY(dm_yaml_parse(a, text, l.yaml, &doc, reterr));
    if (doc->kind != DM_LIST)
        return bad_load(&l, "not a list of files", reterr);
    for (size_t i = 0; i < doc->list.n; i++) {
        DM_TRY(read_load(a, doc->list.items[i], &l, reterr));
        if (!i)
            expected_days(a, p, dag_dir, &l);
        DM_TRY(load_one(a, &l, s, reterr));
    }
    return 0;
}

/* ---- all of it ---- */

int dm_setup_project(const struct dm_project *p, const struct dm_setup *s, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *const *names;
    size_t n;
    DM_TRY(dm_list_dir(&a, p->dags_dir, &names, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        const char *dag = dm_path_join(&a, p->dags_dir, names[i]);
        const char *dir = dm_path_join(&a, dag, "setup");
        if (s->recreate)
            DM_TRY(run_folder(&a, p, s, dm_path_join(&a, dir, "recreate"), reterr));
        DM_TRY(run_folder(&a, p, s, dir, reterr));
        DM_TRY(load_files(&a, p, s, dag, reterr));
    }
    return 0;
}
