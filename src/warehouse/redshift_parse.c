/*
 * The parser for Redshift's external DDL: one function per rule of the grammar in the header.
 */
#include "warehouse/redshift_parse.h"

#include "lang/sql_lex.h"

struct parser {
    struct dm_arena *arena;
    struct dm_sql_lexer lexer;
    struct dm_sql_token token; /* the one to look at */
    struct dm_err *err;
};

int dm_sql_position(struct dm_str sql, size_t at)
{
    int position = 1;
    for (size_t i = 0; i < at && i < sql.len; i++)
        position += ((unsigned char)sql.p[i] & 0xC0) != 0x80;
    return position;
}

static int fail_at(struct parser *p, int rc, size_t at)
{
    if (p->err)
        p->err->position = dm_sql_position(p->lexer.text, at);
    return rc;
}

static int unexpected(struct parser *p, const char *wanted)
{
    const struct dm_sql_token *t = &p->token;
    int rc =
        t->kind == DM_SQL_END
            ? dm_err_set(p->err, DM_E_SYNTAX, "syntax error at end of input")
            : dm_err_set(p->err, DM_E_SYNTAX, "syntax error at or near \"%.*s\"", DM_FMT(t->text));
    dm_err_detail(p->err, "Expected %s.", wanted);
    return fail_at(p, rc, t->at);
}

static int advance(struct parser *p)
{
    return dm_sql_next(&p->lexer, &p->token, p->err);
}

static bool at_end(const struct parser *p)
{
    return p->token.kind == DM_SQL_END || p->token.kind == DM_SQL_SEMICOLON;
}

static bool at_word(const struct parser *p, const char *word)
{
    return dm_sql_is_word(&p->token, word);
}

static bool at_op(const struct parser *p, char c)
{
    return p->token.kind == DM_SQL_OP && p->token.text.len == 1 && p->token.text.p[0] == c;
}

/* Takes the word if it is there: 1, 0 or an error. */
static int accept(struct parser *p, const char *word)
{
    if (!at_word(p, word))
        return 0;
    DM_TRY(advance(p));
    return 1;
}

static int expect(struct parser *p, const char *word)
{
    int got = accept(p, word);
    return got < 0 ? got : got ? 0 : unexpected(p, word);
}

/* A blank-separated list of words. */
static int expect_words(struct parser *p, const char *words)
{
    struct dm_str rest = dm_str_c(words), word;
    while (dm_str_split(&rest, ' ', &word))
        DM_TRY(expect(p, dm_str_cstr(p->arena, word)));
    return 0;
}

static int accept_op(struct parser *p, char c)
{
    if (!at_op(p, c))
        return 0;
    DM_TRY(advance(p));
    return 1;
}

static int expect_op(struct parser *p, char c)
{
    int got = accept_op(p, c);
    return got < 0 ? got : got ? 0 : unexpected(p, (char[]){'"', c, '"', '\0'});
}

static int string(struct parser *p, const char **ret)
{
    if (p->token.kind != DM_SQL_STRING)
        return unexpected(p, "a string");
    *ret = dm_str_cstr(p->arena, dm_sql_token_value(p->arena, &p->token));
    return advance(p);
}

static int identifier(struct parser *p, const char **ret)
{
    if (p->token.kind != DM_SQL_WORD && p->token.kind != DM_SQL_IDENT)
        return unexpected(p, "a name");
    *ret = dm_str_cstr(p->arena, dm_sql_token_value(p->arena, &p->token));
    return advance(p);
}

/* [database.][schema.]name; the database is left to the caller's session, which has only one. */
static int name(struct parser *p, struct dm_redshift_name *ret)
{
    struct dm_redshift_name n = {.at = p->token.at};
    DM_TRY(identifier(p, &n.name));
    for (int parts = 1; at_op(p, '.'); parts++) {
        if (parts == 3)
            return unexpected(p, "at most three names");
        DM_TRY(advance(p));
        n.schema = n.name;
        DM_TRY(identifier(p, &n.name));
    }
    *ret = n;
    return 0;
}

static int if_not_exists(struct parser *p, bool *ret)
{
    int got = accept(p, "if");
    if (got <= 0)
        return got;
    *ret = true;
    return expect_words(p, "not exists");
}

/* ---- CREATE EXTERNAL SCHEMA */

static int create_schema(struct parser *p, struct dm_redshift_stmt *s)
{
    s->kind = DM_REDSHIFT_CREATE_SCHEMA;
    s->tag = "CREATE SCHEMA";
    DM_TRY(if_not_exists(p, &s->if_exists));
    s->name.at = p->token.at;
    DM_TRY(identifier(p, &s->name.name));
    DM_TRY(expect(p, "from"));
    if (!at_word(p, "data")) {
        int rc = dm_err_set(p->err, DM_E_UNSUPPORTED,
                            "external schemas over %.*s are not supported", DM_FMT(p->token.text));
        dm_err_hint(p->err, "The lake is the only source: FROM DATA CATALOG.");
        return fail_at(p, rc, p->token.at);
    }
    DM_TRY(expect_words(p, "data catalog"));
    while (!at_end(p)) {
        const char *ignored;
        if (at_word(p, "database")) {
            DM_TRY(advance(p));
            DM_TRY(string(p, &s->database));
        } else if (at_word(p, "iam_role")) {
            DM_TRY(advance(p));
            if (at_word(p, "default"))
                DM_TRY(identifier(p, &s->iam_role));
            else
                DM_TRY(string(p, &s->iam_role));
        } else if (at_word(p, "region") || at_word(p, "catalog_role") || at_word(p, "catalog_id")) {
            DM_TRY(advance(p));
            DM_TRY(string(p, &ignored));
        } else if (at_word(p, "create")) {
            DM_TRY(expect_words(p, "create external database if not exists"));
        } else {
            return unexpected(p, "DATABASE, IAM_ROLE, REGION, CATALOG_ROLE, CATALOG_ID or CREATE");
        }
    }
    return 0;
}

/* ---- CREATE EXTERNAL TABLE */

struct type_row {
    const char *name, *engine;
    uint32_t oid;
    char modifiers;
};

static const struct type_row types[] = {
#define DM_REDSHIFT_TYPE(name, engine, oid, modifiers) {name, engine, oid, modifiers},
#include "warehouse/redshift_types.def"
#undef DM_REDSHIFT_TYPE
};

static const char *shown_name(uint32_t oid)
{
    switch (oid) {
    case 16:
        return "boolean";
    case 20:
        return "bigint";
    case 21:
        return "smallint";
    case 23:
        return "integer";
    case 700:
        return "real";
    case 701:
        return "double precision";
    case 1042:
        return "character";
    case 1043:
        return "character varying";
    case 1082:
        return "date";
    case 1114:
        return "timestamp without time zone";
    default:
        return "numeric";
    }
}

static const struct type_row *find_type(const char *type_name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].name, type_name) == 0)
            return &types[i];
    return NULL;
}

static int number(struct parser *p, int64_t *ret)
{
    if (p->token.kind != DM_SQL_NUMBER || !dm_str_to_i64(p->token.text, ret))
        return unexpected(p, "a number");
    return advance(p);
}

/* The words of a type's name: "double precision", "character varying", "timestamp without time zone". */
static int type_words(struct parser *p, const char **ret)
{
    static const char *const followers[] = {"precision", "varying", "without",
                                            "time",      "zone",    NULL};
    const char *words;
    DM_TRY(identifier(p, &words));
    for (;;) {
        bool follows = false;
        for (size_t i = 0; followers[i]; i++)
            follows |= at_word(p, followers[i]);
        if (!follows)
            break;
        const char *more;
        DM_TRY(identifier(p, &more));
        words = dm_arena_printf(p->arena, "%s %s", words, more);
    }
    *ret = words;
    return 0;
}

static int column_type(struct parser *p, struct dm_redshift_column *c)
{
    size_t at = p->token.at;
    const char *words;
    DM_TRY(type_words(p, &words));
    const struct type_row *t = find_type(words);
    if (!t) {
        int rc =
            dm_err_set(p->err, DM_E_TYPE, "type \"%s\" does not exist for external tables", words);
        return fail_at(p, rc, at);
    }
    int64_t first = 0, second = 0;
    bool modified = false;
    if (t->modifiers != 'N' && at_op(p, '(')) {
        modified = true;
        DM_TRY(advance(p));
        if (t->modifiers == 'L' && at_word(p, "max")) {
            DM_TRY(advance(p));
            first = 65535;
        } else {
            DM_TRY(number(p, &first));
        }
        if (t->modifiers == 'P' && at_op(p, ',')) {
            DM_TRY(advance(p));
            DM_TRY(number(p, &second));
        }
        DM_TRY(expect_op(p, ')'));
    }
    c->oid = t->oid;
    c->typmod = -1;
    c->type = t->engine;
    c->shown = shown_name(t->oid);
    c->character = t->modifiers == 'L';
    if (t->modifiers == 'P') {
        /* Without modifiers: Redshift's default. */
        if (!modified)
            first = 18;
        if (first < 1 || first > 38 || second < 0 || second > first)
            return fail_at(p,
                           dm_err_set(p->err, DM_E_INVALID,
                                      "NUMERIC precision %lld, scale %lld is not within 1 to 38",
                                      (long long)first, (long long)second),
                           at);
        c->type = dm_arena_printf(p->arena, "DECIMAL(%d,%d)", (int)first, (int)second);
        c->shown = dm_arena_printf(p->arena, "numeric(%d,%d)", (int)first, (int)second);
        c->typmod = (int32_t)(first << 16 | second) + 4;
    } else if (t->modifiers == 'L') {
        if (!modified && t->oid == 1042)
            first = 1;
        else if (!modified)
            return 0;
        if (first < 1 || first > 65535)
            return fail_at(
                p, dm_err_set(p->err, DM_E_INVALID, "length for type %s must be 1 to 65535", words),
                at);
        c->shown = dm_arena_printf(p->arena, "%s(%d)", c->shown, (int)first);
        c->typmod = (int32_t)first + 4;
    }
    return 0;
}

static int column_list(struct parser *p, struct dm_redshift_column *columns, size_t *n)
{
    DM_TRY(expect_op(p, '('));
    for (;;) {
        if (*n == DM_REDSHIFT_COLUMNS_MAX)
            return fail_at(p,
                           dm_err_set(p->err, DM_E_LIMIT,
                                      "an external table has at most %d columns",
                                      DM_REDSHIFT_COLUMNS_MAX),
                           p->token.at);
        struct dm_redshift_column *c = &columns[*n];
        size_t at = p->token.at;
        DM_TRY(identifier(p, &c->name));
        for (size_t i = 0; i < *n; i++)
            if (strcasecmp(columns[i].name, c->name) == 0) {
                int rc = dm_err_set(p->err, DM_E_EXISTS, "column \"%s\" specified more than once",
                                    c->name);
                if (p->err)
                    memcpy(p->err->sqlstate, "42701", 6);
                return fail_at(p, rc, at);
            }
        DM_TRY(column_type(p, c));
        ++*n;
        if (!at_op(p, ','))
            return expect_op(p, ')');
        DM_TRY(advance(p));
    }
}

/* ('k' = 'v', …): calls nothing, fills two lists. */
struct properties {
    const char *key[64], *value[64];
    size_t n;
};

static int property_list(struct parser *p, struct properties *ret)
{
    DM_TRY(expect_op(p, '('));
    for (;;) {
        if (ret->n == sizeof(ret->key) / sizeof(ret->key[0]))
            return dm_err_set(p->err, DM_E_LIMIT, "more than 64 properties");
        DM_TRY(string(p, &ret->key[ret->n]));
        DM_TRY(expect_op(p, '='));
        DM_TRY(string(p, &ret->value[ret->n]));
        ret->n++;
        if (!at_op(p, ','))
            return expect_op(p, ')');
        DM_TRY(advance(p));
    }
}

/* The one character that a clause names; \t and octal or decimal escapes as Hive writes them. */
static int one_character(struct parser *p, size_t at, const char *s, const char **ret)
{
    if (s[0] == '\\' && s[1] == 't' && !s[2])
        s = "\t";
    else if (s[0] == '\\' && s[1] == '\\' && !s[2])
        s = "\\";
    else if (s[0] == '\\' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7') {
        int c = (s[1] - '0') * 8 + s[2] - '0';
        size_t used = 3;
        if (s[3] >= '0' && s[3] <= '7') {
            c = c * 8 + s[3] - '0';
            used = 4;
        }
        if (!s[used] && c > 0 && c < 128)
            s = dm_arena_printf(p->arena, "%c", c);
    }
    if (!s[0] || s[1])
        return fail_at(p, dm_err_set(p->err, DM_E_INVALID, "\"%s\" is not one character", s), at);
    *ret = s;
    return 0;
}

static int row_format(struct parser *p, struct dm_redshift_stmt *s)
{
    DM_TRY(expect(p, "format"));
    size_t at = p->token.at;
    if (at_word(p, "serde")) {
        DM_TRY(advance(p));
        DM_TRY(string(p, &s->serde));
        struct properties props = {0};
        if (at_word(p, "with")) {
            DM_TRY(expect_words(p, "with serdeproperties"));
            DM_TRY(property_list(p, &props));
        }
        bool csv = dm_str_ends(dm_str_c(s->serde), DM_STR("OpenCSVSerde"));
        if (!csv && !dm_str_ends(dm_str_c(s->serde), DM_STR("LazySimpleSerDe")) &&
            !dm_str_ends(dm_str_c(s->serde), DM_STR("ParquetHiveSerDe"))) {
            int rc =
                dm_err_set(p->err, DM_E_UNSUPPORTED, "SERDE \"%s\" is not supported", s->serde);
            dm_err_hint(p->err, "Use org.apache.hadoop.hive.serde2.OpenCSVSerde for CSV text.");
            return fail_at(p, rc, at);
        }
        if (csv)
            s->delimiter = ",";
        for (size_t i = 0; i < props.n; i++) {
            const char *k = props.key[i], **to = NULL;
            if (!strcasecmp(k, "separatorChar") || !strcasecmp(k, "field.delim") ||
                !strcasecmp(k, "serialization.format"))
                to = &s->delimiter;
            else if (!strcasecmp(k, "quoteChar"))
                to = &s->quote;
            else if (!strcasecmp(k, "escapeChar"))
                to = &s->escape;
            else if (!strcasecmp(k, "serialization.null.format"))
                s->null_text = props.value[i];
            if (to)
                DM_TRY(one_character(p, at, props.value[i], to));
        }
        /* OpenCSVSerde's own default for the escape is a backslash, but it reads "" inside quotes as RFC 4180
           does, and so must we: a doubled quote is what every writer of this lake produces. */
        if (csv && s->escape && !strcmp(s->escape, "\\"))
            s->escape = NULL;
        return 0;
    }
    DM_TRY(expect(p, "delimited"));
    for (;;) {
        const char *text;
        if (at_word(p, "fields")) {
            DM_TRY(expect_words(p, "fields terminated by"));
            at = p->token.at;
            DM_TRY(string(p, &text));
            DM_TRY(one_character(p, at, text, &s->delimiter));
        } else if (at_word(p, "escaped")) {
            DM_TRY(expect_words(p, "escaped by"));
            at = p->token.at;
            DM_TRY(string(p, &text));
            DM_TRY(one_character(p, at, text, &s->escape));
        } else if (at_word(p, "lines")) {
            DM_TRY(expect_words(p, "lines terminated by"));
            at = p->token.at;
            DM_TRY(string(p, &text));
            if (strcmp(text, "\n") != 0 && strcmp(text, "\\n") != 0)
                return fail_at(
                    p,
                    dm_err_set(p->err, DM_E_UNSUPPORTED, "LINES TERMINATED BY supports '\\n' only"),
                    at);
        } else if (at_word(p, "null")) {
            DM_TRY(expect_words(p, "null defined as"));
            DM_TRY(string(p, &s->null_text));
        } else {
            return 0;
        }
    }
}

static int table_properties(struct parser *p, struct dm_redshift_stmt *s)
{
    struct properties props = {0};
    size_t at = p->token.at;
    DM_TRY(property_list(p, &props));
    struct dm_strbuf json;
    dm_strbuf_init(&json, DM_BUF_MESSAGE);
    dm_strbuf_addc(&json, '{');
    int rc = 0;
    for (size_t i = 0; i < props.n; i++) {
        dm_strbuf_adds(&json, i ? "," : "");
        dm_strbuf_add_json(&json, dm_str_c(props.key[i]));
        dm_strbuf_addc(&json, ':');
        dm_strbuf_add_json(&json, dm_str_c(props.value[i]));
        if (!strcasecmp(props.key[i], "skip.header.line.count") &&
            (!dm_str_to_i64(dm_str_trim(dm_str_c(props.value[i])), &s->skip_lines) ||
             s->skip_lines < 0 || s->skip_lines > 1000000)) {
            rc = fail_at(p,
                         dm_err_set(p->err, DM_E_INVALID,
                                    "skip.header.line.count is \"%s\", not a number",
                                    props.value[i]),
                         at);
            break;
        }
        if (!strcasecmp(props.key[i], "serialization.null.format"))
            s->null_text = props.value[i];
    }
    dm_strbuf_addc(&json, '}');
    if (rc == 0)
        rc = dm_strbuf_check(&json, "TABLE PROPERTIES", p->err);
    if (rc == 0)
        s->properties = dm_str_cstr(p->arena, dm_strbuf_str(&json));
    dm_strbuf_release(&json);
    return rc;
}

static int stored_as(struct parser *p, struct dm_redshift_stmt *s)
{
    DM_TRY(expect_words(p, "stored as"));
    if (at_word(p, "textfile"))
        s->format = DM_REDSHIFT_TEXT;
    else if (at_word(p, "parquet"))
        s->format = DM_REDSHIFT_PARQUET;
    else {
        int rc = dm_err_set(p->err, DM_E_UNSUPPORTED, "STORED AS %.*s is not supported",
                            DM_FMT(p->token.text));
        dm_err_hint(p->err, "External tables are TEXTFILE or PARQUET.");
        return fail_at(p, rc, p->token.at);
    }
    return advance(p);
}

static int create_table(struct parser *p, struct dm_redshift_stmt *s)
{
    s->kind = DM_REDSHIFT_CREATE_TABLE;
    s->tag = "CREATE TABLE";
    DM_TRY(if_not_exists(p, &s->if_exists));
    DM_TRY(name(p, &s->name));
    if (!s->name.schema) {
        int rc =
            dm_err_set(p->err, DM_E_INVALID,
                       "external table \"%s\" must be created in an external schema", s->name.name);
        dm_err_hint(p->err, "Write schema.table; CREATE EXTERNAL SCHEMA makes the schema.");
        return fail_at(p, rc, s->name.at);
    }
    struct dm_redshift_column *columns =
        dm_arena_array(p->arena, struct dm_redshift_column, DM_REDSHIFT_COLUMNS_MAX);
    s->columns = columns;
    DM_TRY(column_list(p, columns, &s->n_columns));
    bool stored = false;
    while (!at_end(p)) {
        if (at_word(p, "partitioned")) {
            size_t before = s->n_columns;
            DM_TRY(expect_words(p, "partitioned by"));
            DM_TRY(column_list(p, columns, &s->n_columns));
            s->n_partition_columns = s->n_columns - before;
        } else if (at_word(p, "row")) {
            DM_TRY(advance(p));
            DM_TRY(row_format(p, s));
        } else if (at_word(p, "stored")) {
            DM_TRY(stored_as(p, s));
            stored = true;
        } else if (at_word(p, "location")) {
            DM_TRY(advance(p));
            s->location_at = p->token.at;
            DM_TRY(string(p, &s->location));
        } else if (at_word(p, "table")) {
            DM_TRY(expect_words(p, "table properties"));
            DM_TRY(table_properties(p, s));
        } else {
            return unexpected(
                p, "PARTITIONED BY, ROW FORMAT, STORED AS, LOCATION or TABLE PROPERTIES");
        }
    }
    if (!stored)
        return unexpected(p, "STORED AS");
    if (!s->location)
        return unexpected(p, "LOCATION");
    return 0;
}

/* ---- ALTER TABLE */

static int partition(struct parser *p, struct dm_redshift_partition *ret)
{
    const char **columns = dm_arena_array(p->arena, const char *, DM_REDSHIFT_COLUMNS_MAX),
               **values = dm_arena_array(p->arena, const char *, DM_REDSHIFT_COLUMNS_MAX);
    size_t n = 0;
    ret->at = p->token.at;
    DM_TRY(expect(p, "partition"));
    DM_TRY(expect_op(p, '('));
    for (;;) {
        if (n == DM_REDSHIFT_COLUMNS_MAX)
            return dm_err_set(p->err, DM_E_LIMIT, "too many partition columns");
        DM_TRY(identifier(p, &columns[n]));
        DM_TRY(expect_op(p, '='));
        int minus = accept_op(p, '-');
        if (minus < 0)
            return minus;
        if (p->token.kind == DM_SQL_NUMBER) {
            values[n] =
                dm_arena_printf(p->arena, "%s%.*s", minus ? "-" : "", DM_FMT(p->token.text));
            DM_TRY(advance(p));
        } else if (!minus && at_word(p, "null")) {
            values[n] = NULL;
            DM_TRY(advance(p));
        } else {
            /* DATE '…' and TIMESTAMP '…' too: the column has its type already. */
            if (at_word(p, "date") || at_word(p, "timestamp"))
                DM_TRY(advance(p));
            DM_TRY(string(p, &values[n]));
        }
        n++;
        if (!at_op(p, ','))
            break;
        DM_TRY(advance(p));
    }
    DM_TRY(expect_op(p, ')'));
    ret->columns = columns;
    ret->values = values;
    ret->n_values = n;
    return 0;
}

static int add_partitions(struct parser *p, struct dm_redshift_stmt *s)
{
    struct dm_redshift_partition *list =
        dm_arena_array(p->arena, struct dm_redshift_partition, DM_REDSHIFT_PARTITIONS_MAX);
    s->partitions = list;
    do {
        if (s->n_partitions == DM_REDSHIFT_PARTITIONS_MAX)
            return fail_at(p,
                           dm_err_set(p->err, DM_E_LIMIT, "at most %d partitions in one statement",
                                      DM_REDSHIFT_PARTITIONS_MAX),
                           p->token.at);
        struct dm_redshift_partition *one = &list[s->n_partitions++];
        DM_TRY(partition(p, one));
        DM_TRY(expect(p, "location"));
        DM_TRY(string(p, &one->location));
    } while (at_word(p, "partition"));
    return 0;
}

static int alter_table(struct parser *p, struct dm_redshift_stmt *s)
{
    struct dm_redshift_partition *one = dm_arena_new(p->arena, struct dm_redshift_partition);
    int got;
    DM_TRY(expect(p, "table"));
    DM_TRY(name(p, &s->name));
    s->tag = "ALTER TABLE";
    if ((got = accept(p, "add")) != 0) {
        DM_TRY(got);
        /* ADD COLUMN IF NOT EXISTS is PostgreSQL's: it is ours once PARTITION follows. */
        DM_TRY(if_not_exists(p, &s->if_exists));
        if (!at_word(p, "partition"))
            return 0;
        s->kind = DM_REDSHIFT_ADD_PARTITION;
        return add_partitions(p, s);
    }
    if ((got = accept(p, "drop")) != 0) {
        DM_TRY(got);
        bool if_exists = false;
        if (at_word(p, "if")) {
            DM_TRY(advance(p));
            if (!at_word(p, "exists"))
                return 0;
            DM_TRY(advance(p));
            if_exists = true;
        }
        if (!at_word(p, "partition"))
            return 0;
        s->kind = DM_REDSHIFT_DROP_PARTITION;
        s->if_exists = if_exists;
    } else if (at_word(p, "partition")) {
        s->kind = DM_REDSHIFT_PARTITION_LOCATION;
    } else if ((got = accept(p, "set")) != 0) {
        DM_TRY(got);
        if (at_word(p, "file") || at_word(p, "table")) {
            int rc = dm_err_set(p->err, DM_E_UNSUPPORTED, "ALTER TABLE … SET %.*s is not supported",
                                DM_FMT(p->token.text));
            dm_err_hint(p->err, "Drop the external table and create it again: its files stay.");
            return fail_at(p, rc, p->token.at);
        }
        if (!at_word(p, "location"))
            return 0;
        DM_TRY(advance(p));
        s->kind = DM_REDSHIFT_TABLE_LOCATION;
        s->location_at = p->token.at;
        return string(p, &s->location);
    } else {
        return 0;
    }
    DM_TRY(partition(p, one));
    if (s->kind == DM_REDSHIFT_PARTITION_LOCATION) {
        DM_TRY(expect_words(p, "set location"));
        DM_TRY(string(p, &one->location));
    }
    s->partitions = one;
    s->n_partitions = 1;
    return 0;
}

/* ---- DROP */

static int drop(struct parser *p, struct dm_redshift_stmt *s)
{
    enum { NAMES_MAX = 64 };
    struct dm_redshift_name *names = dm_arena_array(p->arena, struct dm_redshift_name, NAMES_MAX);
    bool schema = at_word(p, "schema");
    if (!schema && !at_word(p, "table"))
        return 0;
    DM_TRY(advance(p));
    if (at_word(p, "if")) {
        DM_TRY(expect_words(p, "if exists"));
        s->if_exists = true;
    }
    do {
        if (s->n_names == NAMES_MAX)
            return dm_err_set(p->err, DM_E_LIMIT, "at most %d names in one DROP", NAMES_MAX);
        if (s->n_names)
            DM_TRY(advance(p));
        DM_TRY(name(p, &names[s->n_names++]));
    } while (at_op(p, ','));
    if (schema && at_word(p, "drop"))
        DM_TRY(expect_words(p, "drop external database"));
    int got = accept(p, "cascade");
    if (got < 0)
        return got;
    s->cascade = got;
    if (!got && (got = accept(p, "restrict")) < 0)
        return got;
    s->kind = schema ? DM_REDSHIFT_DROP_SCHEMA : DM_REDSHIFT_DROP_TABLE;
    s->tag = schema ? "DROP SCHEMA" : "DROP TABLE";
    s->names = names;
    s->name = names[0];
    return 0;
}

int dm_redshift_parse(struct dm_arena *a, struct dm_str sql, struct dm_redshift_stmt *ret,
                      struct dm_err *reterr)
{
    struct parser p = {.arena = a, .err = reterr};
    struct dm_redshift_stmt s = {
        .database = "", .iam_role = "", .delimiter = "\001", .serde = "", .properties = "{}"};
    dm_sql_lexer_init(&p.lexer, sql);
    DM_TRY(advance(&p));
    if (at_word(&p, "create")) {
        DM_TRY(advance(&p));
        if (at_word(&p, "external")) {
            DM_TRY(advance(&p));
            if (at_word(&p, "schema")) {
                DM_TRY(advance(&p));
                DM_TRY(create_schema(&p, &s));
            } else {
                DM_TRY(expect(&p, "table"));
                DM_TRY(create_table(&p, &s));
            }
        }
    } else if (at_word(&p, "alter")) {
        DM_TRY(advance(&p));
        if (at_word(&p, "table"))
            DM_TRY(alter_table(&p, &s));
    } else if (at_word(&p, "drop")) {
        DM_TRY(advance(&p));
        DM_TRY(drop(&p, &s));
    }
    if (s.kind != DM_REDSHIFT_NONE && p.token.kind == DM_SQL_SEMICOLON)
        DM_TRY(advance(&p));
    if (s.kind != DM_REDSHIFT_NONE && p.token.kind != DM_SQL_END) {
        if (s.kind == DM_REDSHIFT_DROP_TABLE || s.kind == DM_REDSHIFT_DROP_SCHEMA)
            s.kind = DM_REDSHIFT_NONE; /* PostgreSQL's grammar says what is wrong */
        else
            return unexpected(&p, "the end of the statement");
    }
    *ret = s;
    return 0;
}

/* ---- clauses of CREATE TABLE that only a cluster needs */

static void blank(char *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (text[i] != '\n')
            text[i] = ' ';
}

/* Reads behind one clause that starts at p->token; false where it is none. */
static int physical_clause(struct parser *p, size_t depth, bool *ret)
{
    struct dm_sql_token first = p->token;
    *ret = false;
    bool with_word = dm_sql_is_word(&first, "diststyle") || dm_sql_is_word(&first, "encode") ||
                     dm_sql_is_word(&first, "backup");
    bool key = dm_sql_is_word(&first, "distkey") || dm_sql_is_word(&first, "sortkey");
    bool sorted = dm_sql_is_word(&first, "compound") || dm_sql_is_word(&first, "interleaved");
    if ((!with_word && !key && !sorted) || (sorted && depth > 0))
        return 0;
    DM_TRY(advance(p));
    if (sorted) {
        if (!at_word(p, "sortkey"))
            return 0;
        DM_TRY(advance(p));
        key = true;
    }
    if (with_word) {
        if (p->token.kind != DM_SQL_WORD)
            return 0;
        DM_TRY(advance(p));
    } else if (key && depth == 0) {
        if (at_word(p, "auto")) {
            DM_TRY(advance(p));
        } else {
            DM_TRY(expect_op(p, '('));
            while (!at_op(p, ')') && p->token.kind != DM_SQL_END)
                DM_TRY(advance(p));
            DM_TRY(expect_op(p, ')'));
        }
    }
    *ret = true;
    return 0;
}

static int strip(struct parser *p, char *text)
{
    DM_TRY(advance(p));
    if (!at_word(p, "create"))
        return 0;
    DM_TRY(advance(p));
    while (at_word(p, "temp") || at_word(p, "temporary") || at_word(p, "local"))
        DM_TRY(advance(p));
    if (!at_word(p, "table"))
        return 0;
    size_t depth = 0;
    bool columns = false, after_type = false;
    while (p->token.kind != DM_SQL_END && !at_word(p, "select")) {
        size_t from = p->token.at;
        bool clause = false;
        /* Inside the column list a clause follows a type; directly behind "(" or "," the word is a column's name. */
        if (columns && (depth == 0 || (depth == 1 && after_type)))
            DM_TRY(physical_clause(p, depth, &clause));
        if (clause) {
            size_t to = p->token.kind == DM_SQL_END ? p->lexer.text.len : p->token.at;
            blank(text, from, to);
            continue;
        }
        if (p->token.at != from)
            continue;
        if (at_op(p, '(')) {
            depth++;
            columns = true;
        } else if (at_op(p, ')') && depth) {
            depth--;
        }
        bool separator = at_op(p, ',') || (at_op(p, '(') && depth == 1);
        DM_TRY(advance(p));
        if (separator && depth == 1) {
            after_type = false;
            if (p->token.kind == DM_SQL_WORD || p->token.kind == DM_SQL_IDENT)
                DM_TRY(advance(p));
            after_type = true;
        }
    }
    return 0;
}

struct dm_str dm_redshift_strip(struct dm_arena *a, struct dm_str sql)
{
    struct dm_str copy = dm_str_dup(a, sql);
    struct parser p = {.arena = a};
    dm_sql_lexer_init(&p.lexer, sql);
    /* What cannot be read here is left for PostgreSQL's parser to complain about. */
    if (strip(&p, (char *)copy.p) < 0)
        return sql;
    return copy;
}

int dm_redshift_location(struct dm_arena *a, const char *location, const char **ret_path,
                         struct dm_err *reterr)
{
    struct dm_str rest = dm_str_c(location);
    if (!dm_str_starts(rest, DM_STR("s3://"))) {
        int rc =
            dm_err_set(reterr, DM_E_INVALID, "location \"%s\" is not an s3:// folder", location);
        dm_err_hint(reterr, "Write LOCATION 's3://bucket/folder/'.");
        return rc;
    }
    rest = dm_str_sub(rest, 5, rest.len);
    struct dm_strbuf path;
    dm_strbuf_init(&path, DM_BUF_MESSAGE);
    struct dm_str part;
    int rc = 0;
    while (dm_str_split(&rest, '/', &part)) {
        if (!part.len)
            continue;
        if (dm_str_is(part, ".") || dm_str_is(part, "..") || part.len > 255) {
            rc = dm_err_set(reterr, DM_E_INVALID,
                            "location \"%s\" has a part that no folder can have", location);
            break;
        }
        if (path.len)
            dm_strbuf_addc(&path, '/');
        dm_strbuf_addstr(&path, part);
    }
    if (rc == 0 && !path.len)
        rc = dm_err_set(reterr, DM_E_INVALID, "location \"%s\" names no bucket", location);
    if (rc == 0)
        rc = dm_strbuf_check(&path, "location", reterr);
    if (rc == 0)
        *ret_path = dm_str_cstr(a, dm_strbuf_str(&path));
    dm_strbuf_release(&path);
    return rc;
}
