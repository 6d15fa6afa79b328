/*
 * From libyaml's events to values.  The tree is built by recursion that DM_YAML_DEPTH_MAX bounds; an anchor's value
 * is shared by its aliases, and its size is counted again for each of them.
 */
#include "lang/yaml.h"

#include "base/map.h"

#include <yaml.h>

struct anchor {
    const struct dm_value *value; /* NULL while it is being built */
    size_t nodes;
};

struct builder {
    struct dm_arena *a;
    yaml_parser_t parser;
    struct dm_str text;
    const char *file;
    dm_yaml_warn *warn;
    void *user;
    struct dm_map anchors; /* name -> struct anchor */
    size_t nodes;          /* with aliases written out */
    unsigned depth;
    bool operators; /* !join, !and and !or of dag-factory 0.x */
    bool at_key;    /* the next value is a key of a map */
    struct dm_err *reterr;
};

static uint32_t line_of(yaml_mark_t m)
{
    return (uint32_t)m.line + 1;
}

static uint32_t col_of(yaml_mark_t m)
{
    return (uint32_t)m.column + 1;
}

static int at_mark(struct builder *b, yaml_mark_t m)
{
    return dm_err_at(b->reterr, b->file, (int)line_of(m), (int)col_of(m));
}

/* The text of a line without its end. */
static struct dm_str line_text(struct dm_str text, size_t line)
{
    struct dm_str rest = text, piece = {"", 0};
    for (size_t i = 0; i <= line; i++)
        if (!dm_str_split(&rest, '\n', &piece))
            return DM_STR("");
    return piece;
}

/* Whether the blank start of a line has a tab. */
static bool tab_indents(struct dm_str text, size_t line)
{
    struct dm_str s = line_text(text, line);
    for (size_t i = 0; i < s.len && (s.p[i] == ' ' || s.p[i] == '\t'); i++)
        if (s.p[i] == '\t')
            return true;
    return false;
}

static const char *hint_for(const yaml_parser_t *p, struct dm_str text)
{
    const char *problem = p->problem ? p->problem : "", *context = p->context ? p->context : "";
    if (tab_indents(text, p->problem_mark.line))
        return "A tab indents this line; YAML takes spaces only.";
    if (strstr(problem, "escape character"))
        return "Inside \"…\" a backslash starts an escape; write \\\\ for one, or use '…'.";
    if (strstr(context, "quoted scalar"))
        return "A quote is not closed; it was opened at the place named above.";
    if (strstr(context, "flow"))
        return "A bracket is not closed, or a comma is missing, since the place named above.";
    if (strstr(problem, "mapping values are not allowed"))
        return "Quote a value that has a colon in it, or check the indentation of this line.";
    if (strstr(problem, "could not find expected ':'"))
        return "A key needs a colon and a space behind it.";
    if (strstr(context, "block mapping") || strstr(context, "block collection"))
        return "Check the indentation: entries of one map or list start in the same column.";
    if (strstr(problem, "cannot start any token"))
        return "Quote a value that starts with this character.";
    return NULL;
}

/* libyaml says where it noticed the mistake and, for something left open, where that began. */
static int syntax_error(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    const char *problem = p->problem ? p->problem : "cannot be read";
    if (p->error == YAML_MEMORY_ERROR)
        return dm_err_set(b->reterr, DM_E_NOMEM, "the YAML library is out of memory");
    if (p->error == YAML_READER_ERROR) {
        size_t at = p->problem_offset < b->text.len ? p->problem_offset : b->text.len;
        int line = 1, col = 1;
        for (size_t i = 0; i < at; i++) {
            col = b->text.p[i] == '\n' ? 1 : col + (((unsigned char)b->text.p[i] & 0xC0) != 0x80);
            line += b->text.p[i] == '\n';
        }
        dm_err_set(b->reterr, DM_E_SYNTAX, "not YAML: %s", problem);
        return dm_err_at(b->reterr, b->file, line, col);
    }
    if (tab_indents(b->text, p->problem_mark.line))
        dm_err_set(b->reterr, DM_E_SYNTAX, "not YAML: a tab indents this line");
    else if (p->context && *p->context)
        dm_err_set(b->reterr, DM_E_SYNTAX, "not YAML: %s %s that started in line %u, column %u",
                   problem, p->context, line_of(p->context_mark), col_of(p->context_mark));
    else
        dm_err_set(b->reterr, DM_E_SYNTAX, "not YAML: %s", problem);
    const char *hint = hint_for(p, b->text);
    if (hint)
        dm_err_hint(b->reterr, "%s", hint);
    return at_mark(b, p->problem_mark);
}

static int next_event(struct builder *b, yaml_event_t *ret)
{
    if (!yaml_parser_parse(&b->parser, ret))
        return syntax_error(b);
    return 0;
}

static int count_nodes(struct builder *b, size_t n, yaml_mark_t mark)
{
    b->nodes += n;
    if (b->nodes <= DM_YAML_NODES_MAX)
        return 0;
    dm_err_set(b->reterr, DM_E_LIMIT, "the document has more than %d values, aliases written out",
               DM_YAML_NODES_MAX);
    return at_mark(b, mark);
}

static struct anchor *new_anchor(struct builder *b, const yaml_char_t *name)
{
    if (!name)
        return NULL;
    struct anchor *anchor = dm_arena_new(b->a, struct anchor);
    dm_map_put(&b->anchors, dm_str_dup(b->a, dm_str_c((const char *)name)), anchor);
    return anchor;
}

static int build(struct builder *b, yaml_event_t *e, const struct dm_value **ret);

static int bad_tag(struct builder *b, const char *tag, yaml_mark_t mark)
{
    dm_err_set(b->reterr, DM_E_UNSUPPORTED, "the tag \"%s\" is not supported here", tag);
    return at_mark(b, mark);
}

/* The name behind "tag:yaml.org,2002:" (also its python/ twins), or NULL for no tag. */
static const char *known_tag(const yaml_char_t *tag)
{
    static const char prefix[] = "tag:yaml.org,2002:", python[] = "python/";
    const char *t = (const char *)tag;
    if (!t || strncmp(t, prefix, sizeof(prefix) - 1) != 0)
        return t;
    t += sizeof(prefix) - 1;
    if (strncmp(t, python, sizeof(python) - 1) != 0)
        return t;
    t += sizeof(python) - 1;
    return strcmp(t, "list") == 0   ? "seq"
           : strcmp(t, "dict") == 0 ? "map"
           : strcmp(t, "none") == 0 ? "null"
           : strcmp(t, "long") == 0 ? "int"
                                    : t;
}

static int build_scalar(struct builder *b, const yaml_event_t *e, const struct dm_value **ret)
{
    static const char *const kinds[] = {"str", "int", "float", "bool", "null", "timestamp", NULL};
    struct anchor *anchor = new_anchor(b, e->data.scalar.anchor);
    struct dm_str text =
        dm_str_dup(b->a, dm_str_n((const char *)e->data.scalar.value, e->data.scalar.length));
    const char *tag = known_tag(e->data.scalar.tag);
    struct dm_value *v;
    int rc = -1;
    bool reserved = dm_str_is(text, "=") || (dm_str_is(text, "<<") && !b->at_key);
    if (!tag && e->data.scalar.plain_implicit && reserved) {
        dm_err_set(b->reterr, DM_E_SYNTAX, "a plain %s has a meaning of its own here", text.p);
        dm_err_hint(b->reterr, "Quote it to make it a text.");
        return at_mark(b, e->start_mark);
    }
    if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        dm_str_find(text, DM_STR("\t"), 0) >= 0) {
        dm_err_set(b->reterr, DM_E_SYNTAX, "a tab cannot stand in a plain text");
        dm_err_hint(b->reterr, "Quote the text.");
        return at_mark(b, e->start_mark);
    }
    if (!tag && e->data.scalar.plain_implicit) {
        rc = dm_yaml_scalar(b->a, text, &v, b->reterr);
    } else if (tag && strcmp(tag, "binary") == 0) {
        v = dm_value_map(b->a);
        dm_map_set(b->a, v, "__type__", dm_value_cstr(b->a, "bytes"));
        dm_map_set(b->a, v, "base64", dm_value_str(b->a, dm_str_trim(text)));
        rc = 0;
    } else if (!tag || strcmp(tag, "!") == 0) {
        v = dm_value_str(b->a, text);
        rc = 0;
    } else {
        size_t k = 0;
        while (kinds[k] && strcmp(kinds[k], tag) != 0)
            k++;
        if (!kinds[k])
            return bad_tag(b, (const char *)e->data.scalar.tag, e->start_mark);
        rc = dm_yaml_scalar_as(b->a, tag, text, &v, b->reterr);
    }
    if (rc < 0) {
        at_mark(b, e->start_mark);
        return rc;
    }
    v->line = line_of(e->start_mark);
    v->col = col_of(e->start_mark);
    if (anchor)
        *anchor = (struct anchor){v, 1};
    *ret = v;
    return 0;
}

static int build_alias(struct builder *b, const yaml_event_t *e, const struct dm_value **ret)
{
    const char *name = (const char *)e->data.alias.anchor;
    const struct anchor *anchor = dm_map_get(&b->anchors, dm_str_c(name));
    if (!anchor || !anchor->value) {
        dm_err_set(b->reterr, DM_E_SYNTAX,
                   anchor ? "the alias *%s lies inside its own anchor"
                          : "there is no anchor &%s before its alias",
                   name);
        return at_mark(b, e->start_mark);
    }
    DM_TRY(count_nodes(b, anchor->nodes, e->start_mark));
    *ret = anchor->value;
    return 0;
}

/* The list of a !join becomes its texts in one, that of !and and !or "(a) & (b)" and "(a) | (b)". */
static int operate(struct builder *b, const char *tag, const struct dm_value *list,
                   yaml_mark_t mark, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf s;
    const char *between = strcmp(tag, "!join") == 0 ? "" : strcmp(tag, "!and") == 0 ? " & " : " | ";
    dm_strbuf_init(&s, DM_BUF_MESSAGE);
    for (size_t i = 0; i < list->list.n; i++) {
        const struct dm_value *v = list->list.items[i];
        struct dm_str text = v->kind == DM_STRING ? v->s : dm_value_json(b->a, v);
        dm_strbuf_addf(&s, *between ? "%s(%.*s)" : "%s%.*s", i ? between : "", DM_FMT(text));
    }
    int rc = dm_strbuf_check(&s, tag, b->reterr);
    if (rc < 0)
        return at_mark(b, mark);
    struct dm_value *v = dm_value_str(b->a, dm_str_dup(b->a, dm_strbuf_str(&s)));
    v->line = line_of(mark);
    v->col = col_of(mark);
    *ret = v;
    return 0;
}

static bool is_operator(const struct builder *b, const char *tag)
{
    return b->operators && tag &&
           (strcmp(tag, "!join") == 0 || strcmp(tag, "!and") == 0 || strcmp(tag, "!or") == 0);
}

static int build_list(struct builder *b, const yaml_event_t *e, const struct dm_value **ret)
{
    const char *tag = known_tag(e->data.sequence_start.tag);
    char operator_tag[8] = "";
    struct dm_value *list = dm_value_list(b->a, 0);
    yaml_mark_t start = e->start_mark;
    if (is_operator(b, tag))
        memcpy(operator_tag, tag, strlen(tag));
    else if (tag && strcmp(tag, "tuple") == 0)
        list->kind = DM_TUPLE;
    else if (tag && strcmp(tag, "seq") != 0 && strcmp(tag, "!") != 0)
        return bad_tag(b, (const char *)e->data.sequence_start.tag, e->start_mark);
    list->line = line_of(e->start_mark);
    list->col = col_of(e->start_mark);
    for (;;) {
        yaml_event_t item;
        const struct dm_value *v;
        DM_TRY(next_event(b, &item));
        if (item.type == YAML_SEQUENCE_END_EVENT)
            break;
        DM_TRY(build(b, &item, &v));
        dm_list_add(b->a, list, v);
    }
    *ret = list;
    return *operator_tag ? operate(b, operator_tag, list, start, ret) : 0;
}

/* A key "<<": the pairs of one map, or of several of which the first wins.  They come before the map's own, and
   over those of an earlier "<<". */
static int merge(struct builder *b, struct dm_value *into, const struct dm_value *from,
                 yaml_mark_t mark)
{
    bool many = from->kind == DM_LIST;
    for (size_t i = many ? from->list.n : 1; i-- > 0;) {
        const struct dm_value *map = many ? from->list.items[i] : from;
        if (map->kind != DM_MAP) {
            dm_err_set(b->reterr, DM_E_TYPE, "<< takes a map or a list of maps, not a %s",
                       dm_kind_name(map->kind));
            return at_mark(b, mark);
        }
        DM_TRY(count_nodes(b, map->map.n, mark));
        for (size_t k = 0; k < map->map.n; k++)
            dm_map_set_value(b->a, into, map->map.pairs[k].key, map->map.pairs[k].value);
    }
    return 0;
}

static int bad_key(struct builder *b, const struct dm_value *key, yaml_mark_t mark)
{
    dm_err_set(b->reterr, DM_E_TYPE, "a key cannot be a %s", dm_kind_name(key->kind));
    if (key->kind == DM_MAP)
        dm_err_hint(b->reterr, "Quote a value that starts with {{: \"{{ ds }}\".");
    return at_mark(b, mark);
}

static void warn_twice(struct builder *b, const struct dm_value *key, yaml_mark_t mark,
                       const struct dm_value *own)
{
    uint32_t first = 0;
    for (size_t i = 0; i < own->map.n; i++)
        if (dm_value_equal(own->map.pairs[i].key, key))
            first = own->map.pairs[i].key->line;
    if (b->warn && key->kind == DM_STRING)
        b->warn(b->user, line_of(mark), col_of(mark),
                dm_arena_printf(
                    b->a, "the key \"%.*s\" is there twice (first in line %u); the last one wins",
                    DM_FMT(key->s), first));
}

static int build_map(struct builder *b, const yaml_event_t *e, const struct dm_value **ret)
{
    const char *tag = known_tag(e->data.mapping_start.tag);
    struct dm_value *own = dm_value_map(b->a), *merged = NULL;
    if (tag && strcmp(tag, "map") != 0 && strcmp(tag, "!") != 0)
        return bad_tag(b, (const char *)e->data.mapping_start.tag, e->start_mark);
    for (;;) {
        yaml_event_t event;
        const struct dm_value *key, *value;
        DM_TRY(next_event(b, &event));
        if (event.type == YAML_MAPPING_END_EVENT)
            break;
        yaml_mark_t mark = event.start_mark;
        bool merges = event.type == YAML_SCALAR_EVENT && event.data.scalar.plain_implicit &&
                      event.data.scalar.length == 2 &&
                      memcmp(event.data.scalar.value, "<<", 2) == 0;
        b->at_key = true;
        DM_TRY(build(b, &event, &key));
        b->at_key = false;
        if (key->kind == DM_MAP || key->kind == DM_LIST)
            return bad_key(b, key, mark);
        DM_TRY(next_event(b, &event));
        yaml_mark_t value_mark = event.start_mark;
        DM_TRY(build(b, &event, &value));
        if (merges) {
            if (!merged)
                merged = dm_value_map(b->a);
            DM_TRY(merge(b, merged, value, value_mark));
            continue;
        }
        if (dm_map_get_value(own, key))
            warn_twice(b, key, mark, own);
        dm_map_set_value(b->a, own, key, value);
    }
    if (merged) {
        for (size_t i = 0; i < own->map.n; i++)
            dm_map_set_value(b->a, merged, own->map.pairs[i].key, own->map.pairs[i].value);
        own = merged;
    }
    own->line = line_of(e->start_mark);
    own->col = col_of(e->start_mark);
    *ret = own;
    return 0;
}

static int build_deeper(struct builder *b, const yaml_event_t *e, const struct dm_value **ret)
{
    bool list = e->type == YAML_SEQUENCE_START_EVENT;
    size_t before = b->nodes;
    if (b->depth == DM_YAML_DEPTH_MAX) {
        dm_err_set(b->reterr, DM_E_LIMIT, "the document is nested deeper than %d levels",
                   DM_YAML_DEPTH_MAX);
        return at_mark(b, e->start_mark);
    }
    struct anchor *anchor =
        new_anchor(b, list ? e->data.sequence_start.anchor : e->data.mapping_start.anchor);
    b->depth++;
    DM_TRY(list ? build_list(b, e, ret) : build_map(b, e, ret));
    b->depth--;
    if (anchor)
        *anchor = (struct anchor){*ret, b->nodes - before + 1};
    return 0;
}

/* Takes the event over. */
static int build(struct builder *b, yaml_event_t *e, const struct dm_value **ret)
{
    int rc = count_nodes(b, 1, e->start_mark);
    if (rc < 0)
        goto out;
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        rc = build_scalar(b, e, ret);
        break;
    case YAML_ALIAS_EVENT:
        rc = build_alias(b, e, ret);
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        rc = build_deeper(b, e, ret);
        break;
    default:
        DM_BUG("YAML event %d where a value must be", (int)e->type);
    }
out:
    yaml_event_delete(e);
    return rc;
}

static int document(struct builder *b, const struct dm_value **ret)
{
    const struct dm_value *root = &dm_null;
    bool there = false;
    for (;;) {
        yaml_event_t e;
        DM_TRY(next_event(b, &e));
        yaml_event_type_t type = e.type;
        yaml_mark_t mark = e.start_mark;
        if (type == YAML_DOCUMENT_START_EVENT && there) {
            yaml_event_delete(&e);
            dm_err_set(b->reterr, DM_E_SYNTAX, "not YAML: a second document starts here");
            dm_err_hint(b->reterr, "A file holds one document: remove the line with ---.");
            return at_mark(b, mark);
        }
        if (type == YAML_STREAM_START_EVENT || type == YAML_STREAM_END_EVENT ||
            type == YAML_DOCUMENT_START_EVENT || type == YAML_DOCUMENT_END_EVENT) {
            there = there || type == YAML_DOCUMENT_START_EVENT;
            yaml_event_delete(&e);
            if (type == YAML_STREAM_END_EVENT)
                break;
            continue;
        }
        DM_TRY(build(b, &e, &root));
    }
    *ret = root;
    return 0;
}

static int check_bytes(struct builder *b)
{
    size_t bad;
    if (b->text.len > DM_YAML_BYTES_MAX) {
        dm_err_set(b->reterr, DM_E_LIMIT, "the file is larger than %d bytes", DM_YAML_BYTES_MAX);
        return dm_err_at(b->reterr, b->file, 0, 0);
    }
    if (dm_utf8_valid(b->text, &bad))
        return 0;
    int line = 1;
    size_t start = 0;
    for (size_t i = 0; i < bad; i++)
        if (b->text.p[i] == '\n')
            line++, start = i + 1;
    dm_err_set(b->reterr, DM_E_DATA, "the file is not UTF-8: byte 0x%02x",
               (unsigned char)b->text.p[bad]);
    return dm_err_at(b->reterr, b->file, line, (int)(bad - start) + 1);
}

int dm_yaml_parse_dag(struct dm_arena *a, struct dm_str text, const char *file, bool operators,
                      dm_yaml_warn *warn, void *user, const struct dm_value **ret,
                      struct dm_err *reterr)
{
    struct dm_err err;
    struct builder b = {.a = a,
                        .text = text,
                        .file = file,
                        .operators = operators,
                        .warn = warn,
                        .user = user,
                        .reterr = reterr ? reterr : &err};
    dm_map_init(&b.anchors, a);
    int rc = check_bytes(&b);
    if (rc < 0)
        return rc;
    if (!yaml_parser_initialize(&b.parser))
        return dm_err_set(reterr, DM_E_NOMEM, "the YAML library is out of memory");
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)text.p, text.len);
    const struct dm_value *root = &dm_null;
    rc = document(&b, &root);
    yaml_parser_delete(&b.parser);
    if (rc == 0)
        *ret = root;
    return rc;
}

int dm_yaml_parse(struct dm_arena *a, struct dm_str text, const char *file,
                  const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_yaml_parse_dag(a, text, file, false, NULL, NULL, ret, reterr);
}
