/*
 * COPY: PostgreSQL's old and new spelling as options, COPY table TO as a query.  The bytes themselves are the
 * session's; files of the server are nobody's to read or write.
 */
#include "warehouse/rewrite_internal.h"

static const char *option_text(struct dm_rewriting *w, const PgQuery__DefElem *d)
{
    const PgQuery__Node *n = d->arg;
    if (!n)
        return "true";
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_STRING:
        return n->string->sval;
    case PG_QUERY__NODE__NODE_INTEGER:
        return n->integer->ival ? "true" : "false";
    case PG_QUERY__NODE__NODE_BOOLEAN:
        return n->boolean->boolval ? "true" : "false";
    default:
        return dm_sqltree_literal(n) ? dm_sqltree_literal(n) : "";
    }
}

static int one_character(struct dm_rewriting *w, const PgQuery__DefElem *d, char *ret)
{
    const char *text = option_text(w, d);
    if (!text[0] || text[1])
        return dm_rewriting_error(w, DM_E_INVALID, "22023", d->location,
                                  "COPY %s must be a single one-byte character", d->defname);
    *ret = text[0];
    return 0;
}

static int truth(struct dm_rewriting *w, const PgQuery__DefElem *d, bool *ret)
{
    static const char *const yes[] = {"true", "on", "1", "yes", NULL}, *const no[] = {"false",
                                                                                      "off", "0",
                                                                                      "no", NULL};
    const char *text = option_text(w, d);
    for (size_t i = 0; yes[i]; i++)
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *ret = strcasecmp(text, yes[i]) == 0;
            return 0;
        }
    return dm_rewriting_error(w, DM_E_SYNTAX, NULL, d->location, "%s requires a Boolean value",
                              d->defname);
}

/* (a, b) or *. */
static const char *const *column_names(struct dm_rewriting *w, const PgQuery__DefElem *d)
{
    const PgQuery__Node *n = d->arg;
    size_t count = n && n->node_case == PG_QUERY__NODE__NODE_LIST ? n->list->n_items : 0;
    const char **names = dm_arena_array(w->arena, const char *, count + 2);
    for (size_t i = 0; i < count; i++)
        names[i] = dm_sqltree_name(n->list->items[i]);
    if (count == 0)
        names[0] = "*";
    return names;
}

static int option(struct dm_rewriting *w, const PgQuery__DefElem *d, struct dm_copy_options *o,
                  bool *quoted, bool *escaped)
{
    const char *name = d->defname;
    if (strcmp(name, "format") == 0) {
        const char *format = option_text(w, d);
        o->csv = strcasecmp(format, "csv") == 0;
        o->binary = strcasecmp(format, "binary") == 0;
        if (!o->csv && !o->binary && strcasecmp(format, "text") != 0)
            return dm_rewriting_error(w, DM_E_INVALID, "22023", d->location,
                                      "COPY format \"%s\" not recognized", format);
        return 0;
    }
    if (strcmp(name, "delimiter") == 0)
        return one_character(w, d, &o->delimiter);
    if (strcmp(name, "quote") == 0) {
        *quoted = true;
        return one_character(w, d, &o->quote);
    }
    if (strcmp(name, "escape") == 0) {
        *escaped = true;
        return one_character(w, d, &o->escape);
    }
    if (strcmp(name, "null") == 0) {
        o->null_text = option_text(w, d);
        return 0;
    }
    if (strcmp(name, "header") == 0) {
        o->header_match = strcasecmp(option_text(w, d), "match") == 0;
        if (o->header_match) {
            o->header = true;
            return 0;
        }
        return truth(w, d, &o->header);
    }
    if (strcmp(name, "encoding") == 0) {
        const char *encoding = option_text(w, d);
        if (strcasecmp(encoding, "utf8") == 0 || strcasecmp(encoding, "utf-8") == 0)
            return 0;
        return dm_rewriting_error(w, DM_E_UNSUPPORTED, NULL, d->location,
                                  "COPY encoding \"%s\" is not supported, only UTF8", encoding);
    }
    if (strcmp(name, "force_quote") == 0)
        o->force_quote = column_names(w, d);
    else if (strcmp(name, "force_not_null") == 0)
        o->force_not_null = column_names(w, d);
    else if (strcmp(name, "force_null") == 0)
        o->force_null = column_names(w, d);
    else if (strcmp(name, "freeze") != 0)
        return dm_rewriting_error(w, DM_E_SYNTAX, NULL, d->location, "option \"%s\" not recognized",
                                  name);
    return 0;
}

static int options(struct dm_rewriting *w, const PgQuery__CopyStmt *s, struct dm_copy_options *o)
{
    bool quoted = false, escaped = false;
    for (size_t i = 0; i < s->n_options; i++)
        if (s->options[i]->node_case == PG_QUERY__NODE__NODE_DEF_ELEM)
            DM_TRY(option(w, s->options[i]->def_elem, o, &quoted, &escaped));
    if (!o->delimiter)
        o->delimiter = o->csv ? ',' : '\t';
    if (!o->null_text)
        o->null_text = o->csv ? "" : "\\N";
    if (!o->csv && (quoted || escaped))
        return dm_rewriting_error(w, DM_E_UNSUPPORTED, NULL, -1,
                                  "COPY %s available only in CSV mode",
                                  quoted ? "quote" : "escape");
    if (o->binary && o->header)
        return dm_rewriting_error(w, DM_E_UNSUPPORTED, NULL, -1,
                                  "cannot specify HEADER in BINARY mode");
    if (!o->quote)
        o->quote = '"';
    if (!o->escape)
        o->escape = o->quote;
    if (o->csv && o->delimiter == o->quote)
        return dm_rewriting_error(w, DM_E_INVALID, "22023", -1,
                                  "COPY delimiter and quote must be different");
    return 0;
}

static const char *quoted_name(struct dm_rewriting *w, const char *name)
{
    struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    dm_strbuf_add_sql_ident(&b, dm_str_c(name));
    const char *s = dm_str_cstr(w->arena, dm_strbuf_str(&b));
    dm_strbuf_release(&b);
    return s;
}

static int refuse_files(struct dm_rewriting *w, const PgQuery__CopyStmt *s)
{
    if (s->is_program)
        return dm_rewriting_error(w, DM_E_UNSUPPORTED, "42501", -1,
                                  "COPY … PROGRAM is not supported");
    if (!s->filename[0])
        return 0;
    dm_rewriting_error(w, DM_E_PERMISSION, "42501", -1, "COPY cannot %s a file of the server",
                       s->is_from ? "read" : "write");
    dm_err_hint(
        w->err,
        "The client does it: COPY … %s, psql's \\copy, or an sql task of a DAG, which handles "
        "the path itself.",
        s->is_from ? "FROM STDIN" : "TO STDOUT");
    return w->rc;
}

int dm_rewrite_copy(struct dm_rewriting *w, PgQuery__CopyStmt *s, struct dm_statement *ret)
{
    struct dm_copy_options *o = &ret->copy;
    DM_TRY(refuse_files(w, s));
    DM_TRY(options(w, s, o));
    ret->tag = "COPY";
    ret->counted = true;
    if (s->where_clause)
        return dm_rewriting_error(w, DM_E_UNSUPPORTED, NULL, -1, "COPY … WHERE is not supported");

    const char **columns = dm_arena_array(w->arena, const char *, s->n_attlist + 1);
    for (size_t i = 0; i < s->n_attlist; i++)
        columns[i] = quoted_name(w, dm_sqltree_name(s->attlist[i]));
    if (s->n_attlist)
        o->columns = columns;

    PgQuery__Node *query = s->query;
    if (s->relation) {
        PgQuery__RangeVar *v = s->relation;
        dm_rewrite_relation(w, v, s->is_from);
        DM_TRY(w->rc);
        if (v->relname[0] != DM_MARK)
            o->table = dm_rewrite_table_name(w, v);
        PgQuery__SelectStmt *q = dm_sqltree_select(w->arena);
        q->from_clause = dm_arena_array(w->arena, PgQuery__Node *, 1);
        q->from_clause[0] = dm_sqltree_wrap(w->arena, PG_QUERY__NODE__NODE_RANGE_VAR, v);
        q->n_from_clause = 1;
        q->n_target_list = s->n_attlist ? s->n_attlist : 1;
        q->target_list = dm_arena_array(w->arena, PgQuery__Node *, q->n_target_list);
        q->target_list[0] = dm_sqltree_target(w->arena, dm_sqltree_star(w->arena));
        for (size_t i = 0; i < s->n_attlist; i++)
            q->target_list[i] = dm_sqltree_target(
                w->arena, dm_sqltree_column(w->arena, dm_sqltree_name(s->attlist[i])));
        query = dm_sqltree_wrap(w->arena, PG_QUERY__NODE__NODE_SELECT_STMT, q);
    }
    if (s->is_from) {
        ret->kind = DM_STATEMENT_COPY_IN;
        ret->table = s->relation->relname;
        ret->writes = true;
        return 0;
    }
    ret->kind = DM_STATEMENT_COPY_OUT;
    if (!s->relation && query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        ret->writes = true; /* COPY (INSERT … RETURNING …) TO */
    return dm_rewriting_finish(w, query, ret);
}
