/* The extended protocol: named plans and portals. */
#include "lang/sql_lex.h"
#include "warehouse/parse.h"
#include "warehouse/session_parts.h"

static void portal_free(struct dm_portal *p)
{
    dm_result_free(p->result);
    dm_plan_unref(p->plan);
    dm_arena_release(&p->arena);
    free(p->name);
    free(p);
}

void dm_session_drop_portals(struct dm_session *s)
{
    while (s->portals) {
        struct dm_portal *next = s->portals->next;
        portal_free(s->portals);
        s->portals = next;
    }
    s->n_portals = 0;
}

void dm_session_drop_plans(struct dm_session *s)
{
    while (s->plans) {
        struct dm_named_plan *next = s->plans->next;
        dm_plan_unref(s->plans->plan);
        free(s->plans->name);
        free(s->plans);
        s->plans = next;
    }
    s->n_plans = 0;
}

static struct dm_named_plan **find_plan(struct dm_session *s, const char *name)
{
    struct dm_named_plan **p = &s->plans;
    while (*p && strcmp((*p)->name, name) != 0)
        p = &(*p)->next;
    return p;
}

static struct dm_portal **find_portal(struct dm_session *s, const char *name)
{
    struct dm_portal **p = &s->portals;
    while (*p && strcmp((*p)->name, name) != 0)
        p = &(*p)->next;
    return p;
}

void dm_session_drop_plan(struct dm_session *s, const char *name)
{
    struct dm_named_plan **at = find_plan(s, name), *p = *at;
    if (!p)
        return;
    *at = p->next;
    s->n_plans--;
    dm_plan_unref(p->plan);
    free(p->name);
    free(p);
}

void dm_session_drop_portal(struct dm_session *s, const char *name)
{
    struct dm_portal **at = find_portal(s, name), *p = *at;
    if (!p)
        return;
    *at = p->next;
    s->n_portals--;
    portal_free(p);
}

/* ---- messages */

int dm_session_parse(struct dm_session *s, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *name = dm_pgwire_cstr(in), *sql = dm_pgwire_cstr(in);
    int n_oids = dm_pgwire_i16(in);
    unsigned *oids = dm_arena_array(&a, unsigned, (size_t)(n_oids > 0 ? n_oids : 0) + 1);
    for (int i = 0; i < n_oids; i++)
        oids[i] = (unsigned)dm_pgwire_i32(in);
    DM_TRY(dm_pgwire_done(in, reterr));
    if (!name[0])
        dm_session_drop_plan(s, "");
    else if (*find_plan(s, name))
        return dm_session_error(reterr, "42P05", "prepared statement \"%s\" already exists", name);
    if (s->n_plans >= DM_SESSION_STATEMENTS_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "a session has more than %d prepared statements",
                          DM_SESSION_STATEMENTS_MAX);
    struct dm_sql_statement *list;
    size_t n;
    DM_TRY(dm_sql_split(&a, dm_str_c(sql), &list, &n, reterr));
    if (n > 1)
        return dm_session_error(reterr, "42601",
                                "cannot insert multiple commands into a prepared statement");
    struct dm_plan *plan;
    if (n == 0) {
        plan = dm_calloc(1, sizeof(*plan));
        plan->refs = 1;
        plan->empty = true;
    } else {
        DM_TRY(dm_plan_new(s, list[0].text, dm_count_chars(dm_str_n(sql, list[0].at)), oids,
                           (size_t)(n_oids > 0 ? n_oids : 0), &plan, reterr));
    }
    struct dm_named_plan *entry = dm_calloc(1, sizeof(*entry));
    *entry = (struct dm_named_plan){
        .next = s->plans, .name = dm_strdup(name), .plan = plan, .planned_at = s->steps};
    s->plans = entry;
    s->n_plans++;
    dm_pgwire_empty(&s->link.out, DM_WIRE_PARSE_COMPLETE);
    return 0;
}

static int read_cell(struct dm_portal *p, size_t i, int format, struct dm_pgwire_in *in,
                     struct dm_err *reterr)
{
    const struct dm_plan *plan = p->plan;
    int32_t len = dm_pgwire_i32(in);
    if (len < 0) {
        p->cells[i].null = true;
        return 0;
    }
    struct dm_str bytes = dm_str_dup(&p->arena, dm_pgwire_bytes(in, (size_t)len));
    unsigned declared = i < plan->n_oids ? plan->oids[i] : 0;
    int rc = format ? dm_parse_binary(&p->arena, p->types[i], declared, bytes, &p->cells[i], reterr)
                    : dm_parse_text(&p->arena, p->types[i], bytes, &p->cells[i], reterr);
    if (rc < 0)
        dm_err_detail(reterr, "This is the value of parameter $%zu.", i + 1);
    return rc;
}

static int read_formats(struct dm_pgwire_in *in, struct dm_arena *a, int **ret, size_t *ret_n,
                        struct dm_err *reterr)
{
    int n = dm_pgwire_i16(in);
    *ret_n = n > 0 ? (size_t)n : 0;
    *ret = dm_arena_array(a, int, *ret_n + 1);
    for (size_t i = 0; i < *ret_n; i++) {
        (*ret)[i] = dm_pgwire_i16(in);
        if ((*ret)[i] != 0 && (*ret)[i] != 1)
            return dm_session_error(reterr, "22023", "unsupported format code: %d", (*ret)[i]);
    }
    return 0;
}

static int read_cells(struct dm_portal *p, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    int *formats;
    size_t n_formats;
    size_t n_params = p->plan->prepared ? p->plan->prepared->n_params : 0;
    DM_TRY(read_formats(in, &p->arena, &formats, &n_formats, reterr));
    int n = dm_pgwire_i16(in);
    if (n < 0 || (size_t)n != n_params)
        return dm_session_error(
            reterr, "08P01",
            "bind message supplies %d parameters, but the prepared statement requires "
            "%zu",
            n, n_params);
    if (n_formats > 1 && n_formats != n_params)
        return dm_session_error(reterr, "08P01",
                                "bind message has %zu parameter formats but %zu parameters",
                                n_formats, n_params);
    const struct dm_type **types = dm_arena_array(&p->arena, const struct dm_type *, n_params + 1);
    p->cells = dm_arena_array(&p->arena, struct dm_cell, n_params + 1);
    p->types = types;
    for (size_t i = 0; i < n_params; i++) {
        const struct dm_type *t = p->plan->prepared->params[i];
        types[i] =
            dm_type_is_unknown(t) ? dm_type_of_oid(&p->arena, dm_plan_param_oid(p->plan, i)) : t;
        int format = n_formats == 0 ? 0 : n_formats == 1 ? formats[0] : formats[i];
        DM_TRY(read_cell(p, i, format, in, reterr));
    }
    return 0;
}

/* External tables are looked up when a statement is rewritten, so an old plan could miss new partitions and files.
   One that the client has just sent, with nothing between, is what it would be again. */
static int refresh(struct dm_session *s, struct dm_named_plan *entry, struct dm_err *reterr)
{
    struct dm_plan *old = entry->plan, *fresh;
    if (old->empty || !old->st.reads_lake || entry->planned_at == s->steps)
        return 0;
    DM_TRY(dm_plan_new(s, old->text, old->first_char, old->oids, old->n_oids, &fresh, reterr));
    entry->plan = fresh;
    entry->planned_at = s->steps;
    dm_plan_unref(old);
    return 0;
}

static int bind_portal(struct dm_session *s, struct dm_portal *p, struct dm_pgwire_in *in,
                       struct dm_err *reterr)
{
    if (!p->plan->empty)
        DM_TRY(dm_session_check_not_failed(s, p->plan->text, reterr));
    DM_TRY(read_cells(p, in, reterr));
    DM_TRY(read_formats(in, &p->arena, &p->formats, &p->n_formats, reterr));
    DM_TRY(dm_pgwire_done(in, reterr));
    size_t n_cols = p->plan->prepared && p->plan->st.returns_rows ? p->plan->prepared->n_cols : 0;
    if (p->n_formats > 1 && p->n_formats != n_cols)
        return dm_session_error(reterr, "08P01",
                                "bind message has %zu result formats but query has %zu "
                                "columns",
                                p->n_formats, n_cols);
    return 0;
}

int dm_session_bind(struct dm_session *s, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    const char *name = dm_pgwire_cstr(in), *statement = dm_pgwire_cstr(in);
    struct dm_named_plan *entry = *find_plan(s, statement);
    if (!entry)
        return dm_session_error(reterr, "26000", "prepared statement \"%s\" does not exist",
                                statement);
    if (!name[0])
        dm_session_drop_portal(s, "");
    else if (*find_portal(s, name))
        return dm_session_error(reterr, "42P03", "cursor \"%s\" already exists", name);
    if (s->n_portals >= DM_SESSION_PORTALS_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "a session has more than %d portals",
                          DM_SESSION_PORTALS_MAX);
    DM_TRY(refresh(s, entry, reterr));
    struct dm_portal *p = dm_calloc(1, sizeof(*p));
    p->name = dm_strdup(name);
    p->plan = entry->plan;
    p->plan->refs++;
    int rc = bind_portal(s, p, in, reterr);
    if (rc < 0) {
        portal_free(p);
        return rc;
    }
    p->next = s->portals;
    s->portals = p;
    s->n_portals++;
    dm_pgwire_empty(&s->link.out, DM_WIRE_BIND_COMPLETE);
    return 0;
}

static void describe_result(struct dm_session *s, const struct dm_plan *plan,
                            const struct dm_portal *portal)
{
    if (plan->prepared && plan->st.returns_rows && plan->st.kind != DM_STATEMENT_COPY_OUT)
        dm_session_describe_columns(s, plan, portal, plan->prepared->cols, plan->prepared->n_cols);
    else
        dm_pgwire_empty(&s->link.out, DM_WIRE_NO_DATA);
}

int dm_session_describe(struct dm_session *s, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    unsigned what = dm_pgwire_u8(in);
    const char *name = dm_pgwire_cstr(in);
    DM_TRY(dm_pgwire_done(in, reterr));
    if (what == 'P') {
        struct dm_portal *p = *find_portal(s, name);
        if (!p)
            return dm_session_error(reterr, "34000", "portal \"%s\" does not exist", name);
        describe_result(s, p->plan, p);
        return 0;
    }
    if (what != 'S')
        return dm_session_error(reterr, "08P01", "invalid DESCRIBE message subtype %u", what);
    struct dm_named_plan *entry = *find_plan(s, name);
    if (!entry)
        return dm_session_error(reterr, "26000", "prepared statement \"%s\" does not exist", name);
    size_t n = entry->plan->prepared ? entry->plan->prepared->n_params : 0;
    dm_pgwire_begin(&s->link.out, DM_WIRE_PARAMETER_DESCRIPTION);
    dm_pgwire_add_i16(&s->link.out, (int)n);
    for (size_t i = 0; i < n; i++)
        dm_pgwire_add_i32(&s->link.out, (int32_t)dm_plan_param_oid(entry->plan, i));
    dm_pgwire_end(&s->link.out);
    describe_result(s, entry->plan, NULL);
    return 0;
}

int dm_session_execute(struct dm_session *s, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    const char *name = dm_pgwire_cstr(in);
    int32_t max = dm_pgwire_i32(in);
    DM_TRY(dm_pgwire_done(in, reterr));
    struct dm_portal *p = *find_portal(s, name);
    if (!p)
        return dm_session_error(reterr, "34000", "portal \"%s\" does not exist", name);
    s->steps++;
    if (p->plan->empty) {
        dm_pgwire_empty(&s->link.out, DM_WIRE_EMPTY_QUERY);
        return 0;
    }
    /* All up to Sync is one transaction; where Sync is next already, the statement is one by itself. */
    if (s->tx == 'I' && !p->result &&
        dm_session_wants_block(&p->plan->st, dm_link_peek(&s->link) != DM_WIRE_SYNC))
        DM_TRY(dm_session_begin(s, true, reterr));
    if (p->plan->st.kind == DM_STATEMENT_COPY_IN) {
        if (dm_session_run_copy_in(s, p->plan))
            s->skipping = true;
        return 0;
    }
    struct dm_plan *plan = p->plan;
    plan->refs++; /* COMMIT drops the portals, this one with them */
    int rc = dm_session_run_portal(s, p, false, max > 0 ? max : 0, reterr);
    dm_plan_unref(plan);
    return rc;
}

int dm_session_close(struct dm_session *s, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    unsigned what = dm_pgwire_u8(in);
    const char *name = dm_pgwire_cstr(in);
    DM_TRY(dm_pgwire_done(in, reterr));
    if (what == 'S')
        dm_session_drop_plan(s, name);
    else if (what == 'P')
        dm_session_drop_portal(s, name);
    else
        return dm_session_error(reterr, "08P01", "invalid CLOSE message subtype %u", what);
    dm_pgwire_empty(&s->link.out, DM_WIRE_CLOSE_COMPLETE);
    return 0;
}
