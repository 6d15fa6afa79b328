/*
 * Regular expressions: text -> tree -> automaton, run on all its states at once (Thompson's way), so that no
 * expression can make it slow.  There are no captures: only whether there is a match.
 */
#include "lang/regexp.h"

#include "lang/utf8.h"

enum kind {
    EMPTY,
    CHAR,
    ANY,
    SET,
    CLASS,
    BEGIN,
    END,
    LINE_BEGIN,
    LINE_END,
    EDGE,
    NO_EDGE,
    CAT,
    ALT,
    REPEAT
};

struct range {
    uint32_t from, to;
};

/* A node of the tree. */
struct node {
    enum kind kind;
    struct node *a, *b;
    uint32_t c;           /* CHAR; of CLASS the letter d, w or s */
    bool negated;         /* SET, CLASS */
    int least, most;      /* REPEAT; most -1 = any number */
    struct range *ranges; /* SET */
    size_t n_ranges;
    struct node *classes; /* SET: a chain of CLASS by `a` */
};

enum op { OP_MATCH, OP_ONE, OP_ASSERT, OP_SPLIT, OP_JUMP };

struct step {
    enum op op;
    const struct node *node; /* ONE, ASSERT */
    size_t x, y;
};

struct dm_regexp {
    struct step *steps;
    size_t n;
    bool any_case, dot_all, lines;
};

struct parser {
    struct dm_arena *a;
    struct dm_str s;
    size_t i;
    unsigned depth;
    struct dm_regexp *re;
    struct dm_err *err;
    bool failed;
};

static struct node *fail(struct parser *p, size_t at, const char *what)
{
    if (!p->failed) {
        dm_err_set(p->err, DM_E_INVALID,
                   "the regular expression \"%.*s\" is wrong at character %zu: %s", DM_FMT(p->s),
                   at + 1, what);
        if (p->err)
            p->err->col = (int)at + 1;
    }
    p->failed = true;
    return NULL;
}

static struct node *new_node(struct parser *p, enum kind kind)
{
    struct node *n = dm_arena_new(p->a, struct node);
    n->kind = kind;
    return n;
}

static struct node *two(struct parser *p, enum kind kind, struct node *a, struct node *b)
{
    struct node *n = new_node(p, kind);
    n->a = a;
    n->b = b;
    return n;
}

static bool at(const struct parser *p, char c)
{
    return p->i < p->s.len && p->s.p[p->i] == c;
}

static bool take(struct parser *p, const char *text)
{
    size_t n = strlen(text);
    if (p->s.len - p->i < n || memcmp(p->s.p + p->i, text, n) != 0)
        return false;
    p->i += n;
    return true;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* The code point of \xHH, \uHHHH or \UHHHHHHHH. */
static bool coded(struct parser *p, size_t digits, uint32_t *ret)
{
    uint32_t c = 0;
    for (size_t k = 0; k < digits; k++, p->i++) {
        int h = p->i < p->s.len ? hex(p->s.p[p->i]) : -1;
        if (h < 0 || c > 0x10ffff >> 4)
            return fail(p, p->i, "that is no code point") != NULL;
        c = c << 4 | (uint32_t)h;
    }
    *ret = c;
    return true;
}

/* What follows a backslash and stands for one character; `c` is the character behind the backslash. */
static bool escaped(struct parser *p, char c, uint32_t *ret)
{
    static const char letters[] = "ntrfva", values[] = "\n\t\r\f\v\a";
    const char *letter = strchr(letters, c);
    if (letter && c)
        *ret = (unsigned char)values[letter - letters];
    else if (c == 'x')
        return coded(p, 2, ret);
    else if (c == 'u')
        return coded(p, 4, ret);
    else if (c == 'U')
        return coded(p, 8, ret);
    else if (c == '0')
        *ret = 0;
    else if ((c >= '1' && c <= '9'))
        return fail(p, p->i - 1, "references to groups are not supported") != NULL;
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
        return fail(p, p->i - 1, "there is no such escape") != NULL;
    else
        *ret = (unsigned char)c;
    return true;
}

static struct node *class_node(struct parser *p, char c)
{
    struct node *n = new_node(p, CLASS);
    n->c = (uint32_t)(c | 0x20);
    n->negated = c < 'a';
    return n;
}

static bool is_class(char c)
{
    return c && strchr("dDwWsS", c);
}

static uint32_t char_at(struct dm_str s, size_t *i)
{
    uint32_t c;
    *i += dm_utf8_get(s.p + *i, s.p + s.len, &c);
    return c;
}

static uint32_t next_char(struct parser *p)
{
    return char_at(p->s, &p->i);
}

/* One end of a range; false where it was a class (already added) or is wrong. */
static bool set_char(struct parser *p, struct node *set, uint32_t *ret)
{
    if (!at(p, '\\')) {
        *ret = next_char(p);
        return true;
    }
    p->i++;
    char c = p->i < p->s.len ? p->s.p[p->i] : 0;
    if (!c)
        return fail(p, p->i, "a backslash at the end") != NULL;
    if (is_class(c)) {
        struct node *class = class_node(p, c);
        p->i++;
        class->a = set->classes;
        set->classes = class;
        return false;
    }
    if (c == 'b') {
        p->i++;
        *ret = '\b';
        return true;
    }
    if ((unsigned char)c >= 0x80) {
        *ret = next_char(p);
        return true;
    }
    p->i++;
    return escaped(p, c, ret);
}

static struct node *parse_set(struct parser *p)
{
    size_t start = p->i - 1, most = p->s.len - p->i;
    struct node *set = new_node(p, SET);
    set->ranges = dm_arena_array(p->a, struct range, most + 1);
    set->negated = take(p, "^");
    for (bool first = true; p->i < p->s.len && (first || !at(p, ']')); first = false) {
        uint32_t from, to;
        bool plain = set_char(p, set, &from);
        if (p->failed)
            return NULL;
        if (!plain)
            continue;
        to = from;
        if (at(p, '-') && p->i + 1 < p->s.len && p->s.p[p->i + 1] != ']') {
            p->i++;
            if (!set_char(p, set, &to))
                return fail(p, p->i, "a range ends with a class");
        }
        if (to < from)
            return fail(p, p->i, "a range goes backwards");
        set->ranges[set->n_ranges++] = (struct range){from, to};
    }
    return take(p, "]") ? set : fail(p, start, "the set is not closed");
}

static struct node *parse_escape(struct parser *p)
{
    char c = p->i < p->s.len ? p->s.p[p->i] : 0;
    if (!c)
        return fail(p, p->i, "a backslash at the end");
    struct node *n = new_node(p, CHAR);
    if ((unsigned char)c >= 0x80) {
        n->c = next_char(p);
        return n;
    }
    p->i++;
    if (is_class(c))
        return class_node(p, c);
    if (c == 'b' || c == 'B')
        return new_node(p, c == 'b' ? EDGE : NO_EDGE);
    if (c == 'A' || c == 'Z')
        return new_node(p, c == 'A' ? BEGIN : END);
    return escaped(p, c, &n->c) ? n : NULL;
}

static struct node *parse_alternatives(struct parser *p);

/* (?i) and the like, for the whole expression; (?:…) and (?P<name>…). */
static bool group_head(struct parser *p)
{
    size_t start = p->i;
    if (!take(p, "?") || take(p, ":"))
        return true;
    if (take(p, "P<")) {
        ptrdiff_t end = dm_str_find(p->s, DM_STR(">"), p->i);
        if (end < 0)
            return fail(p, start, "the name of a group is not closed") != NULL;
        p->i = (size_t)end + 1;
        return true;
    }
    size_t flags = p->i;
    while (p->i < p->s.len && strchr("imsuxa", p->s.p[p->i]))
        p->i++;
    if (p->i == flags || !at(p, ')') || start != 1 || memchr(p->s.p + flags, 'x', p->i - flags))
        return fail(p, start, "this kind of group is not supported") != NULL;
    for (size_t i = flags; i < p->i; i++) {
        p->re->any_case |= p->s.p[i] == 'i';
        p->re->lines |= p->s.p[i] == 'm';
        p->re->dot_all |= p->s.p[i] == 's';
    }
    return true;
}

static struct node *parse_group(struct parser *p)
{
    size_t start = p->i - 1;
    if (++p->depth > DM_REGEXP_DEPTH_MAX) {
        fail(p, start, "groups are nested too deep");
        return NULL;
    }
    if (!group_head(p))
        return NULL;
    struct node *n = parse_alternatives(p);
    p->depth--;
    if (n && !take(p, ")"))
        return fail(p, start, "the group is not closed");
    return n;
}

static struct node *parse_atom(struct parser *p)
{
    struct node *n;
    size_t start = p->i;
    switch (p->s.p[p->i]) {
    case '(':
        p->i++;
        return parse_group(p);
    case '[':
        p->i++;
        return parse_set(p);
    case '\\':
        p->i++;
        return parse_escape(p);
    case '.':
        p->i++;
        return new_node(p, ANY);
    case '^':
        p->i++;
        return new_node(p, p->re->lines ? LINE_BEGIN : BEGIN);
    case '$':
        p->i++;
        return new_node(p, LINE_END);
    case '*':
    case '+':
    case '?':
        return fail(p, start, "there is nothing to repeat");
    default:
        n = new_node(p, CHAR);
        n->c = next_char(p);
        return n;
    }
}

static bool number(struct parser *p, int *ret)
{
    size_t start = p->i;
    int n = 0;
    while (p->i < p->s.len && p->s.p[p->i] >= '0' && p->s.p[p->i] <= '9' && n < DM_REGEXP_STEPS_MAX)
        n = n * 10 + (p->s.p[p->i++] - '0');
    *ret = n;
    return p->i > start;
}

/* {m}, {m,}, {,n}, {m,n}; anything else in braces is text, as in Python. */
static bool counted(struct parser *p, int *least, int *most)
{
    size_t start = p->i++;
    bool from = number(p, least), comma = take(p, ","), to = comma && number(p, most);
    if (!from)
        *least = 0;
    if (!comma)
        *most = *least;
    else if (!to)
        *most = -1;
    if (take(p, "}") && (from || comma))
        return true;
    p->i = start;
    return false;
}

static struct node *parse_repeats(struct parser *p)
{
    struct node *n = parse_atom(p);
    bool repeated = false;
    while (n && p->i < p->s.len) {
        size_t start = p->i;
        int least = 0, most = -1;
        if (take(p, "?"))
            most = 1;
        else if (take(p, "+"))
            least = 1;
        else if (!take(p, "*") && !(at(p, '{') && counted(p, &least, &most)))
            break;
        if (repeated)
            return fail(p, start, "a repeat is repeated");
        if (most >= 0 && most < least)
            return fail(p, start, "the least number is larger than the most");
        if (at(p, '+'))
            return fail(p, p->i, "possessive repeats are not supported");
        (void)take(p, "?"); /* as few as possible: the same for a yes or no */
        struct node *r = two(p, REPEAT, n, NULL);
        r->least = least;
        r->most = most;
        n = r;
        repeated = true;
    }
    return n;
}

static struct node *parse_sequence(struct parser *p)
{
    struct node *n = new_node(p, EMPTY);
    while (n && p->i < p->s.len && !at(p, '|') && !at(p, ')')) {
        struct node *next = parse_repeats(p);
        n = !next ? NULL : n->kind == EMPTY ? next : two(p, CAT, n, next);
    }
    return n;
}

static struct node *parse_alternatives(struct parser *p)
{
    struct node *n = parse_sequence(p);
    while (n && take(p, "|")) {
        struct node *next = parse_sequence(p);
        n = next ? two(p, ALT, n, next) : NULL;
    }
    return n;
}

/* ---- the automaton ---- */

struct writer {
    struct step *steps;
    size_t n;
    bool full;
};

static size_t emit(struct writer *w, enum op op, const struct node *node)
{
    if (w->n == DM_REGEXP_STEPS_MAX) {
        w->full = true;
        return 0;
    }
    w->steps[w->n] = (struct step){.op = op, .node = node};
    return w->n++;
}

static void write_node(struct writer *w, const struct node *n);

static void write_repeat(struct writer *w, const struct node *n)
{
    for (int i = 0; i < n->least && !w->full; i++) {
        size_t before = w->n;
        write_node(w, n->a);
        if (w->n == before)
            break; /* it is nothing, however often */
    }
    if (n->most < 0) {
        size_t split = emit(w, OP_SPLIT, NULL);
        write_node(w, n->a);
        size_t jump = emit(w, OP_JUMP, NULL);
        w->steps[jump].x = split;
        w->steps[split].x = split + 1;
        w->steps[split].y = w->n;
        return;
    }
    /* Each optional one may end it all: its split is patched when the end is known. */
    size_t first = w->n, last = SIZE_MAX;
    for (int i = n->least; i < n->most && !w->full; i++) {
        size_t split = emit(w, OP_SPLIT, NULL);
        w->steps[split].x = split + 1;
        w->steps[split].y = last;
        last = split;
        write_node(w, n->a);
    }
    while (last != SIZE_MAX && last >= first && !w->full) {
        size_t before = w->steps[last].y;
        w->steps[last].y = w->n;
        last = before;
    }
}

static void write_node(struct writer *w, const struct node *n)
{
    size_t split, jump;
    if (w->full)
        return;
    switch (n->kind) {
    case EMPTY:
        return;
    case CAT:
        write_node(w, n->a);
        write_node(w, n->b);
        return;
    case ALT:
        split = emit(w, OP_SPLIT, NULL);
        write_node(w, n->a);
        jump = emit(w, OP_JUMP, NULL);
        w->steps[split].x = split + 1;
        w->steps[split].y = w->n;
        write_node(w, n->b);
        w->steps[jump].x = w->n;
        return;
    case REPEAT:
        write_repeat(w, n);
        return;
    case CHAR:
    case ANY:
    case SET:
    case CLASS:
        emit(w, OP_ONE, n);
        return;
    default:
        emit(w, OP_ASSERT, n);
        return;
    }
}

int dm_regexp_parse(struct dm_arena *a, struct dm_str pattern, const struct dm_regexp **ret,
                    struct dm_err *reterr)
{
    struct dm_regexp *re = dm_arena_new(a, struct dm_regexp);
    struct parser p = {.a = a, .s = pattern, .re = re, .err = reterr};
    size_t bad;
    if (pattern.len > DM_REGEXP_BYTES_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "a regular expression has more than %d bytes",
                          DM_REGEXP_BYTES_MAX);
    if (!dm_utf8_valid(pattern, &bad))
        return dm_err_set(reterr, DM_E_INVALID, "the regular expression is not UTF-8");
    struct node *n = parse_alternatives(&p);
    if (n && p.i < pattern.len)
        n = fail(&p, p.i, "a group is closed that was not opened");
    if (!n)
        return DM_E_INVALID;
    struct writer w = {.steps = dm_malloc(sizeof(struct step) * (DM_REGEXP_STEPS_MAX + 1))};
    write_node(&w, n);
    emit(&w, OP_MATCH, NULL);
    re->n = w.n;
    re->steps = w.full ? NULL : dm_arena_dup(a, w.steps, w.n * sizeof(*w.steps));
    free(w.steps);
    if (w.full)
        return dm_err_set(reterr, DM_E_LIMIT,
                          "the regular expression \"%.*s\" has more than %d steps", DM_FMT(pattern),
                          DM_REGEXP_STEPS_MAX);
    *ret = re;
    return 0;
}

/* ---- the run ---- */

static bool in_class(uint32_t class, uint32_t c)
{
    if (class == 's')
        return dm_utf8_is_space(c);
    if (class == 'd')
        return dm_utf8_is_digit(c);
    return c == '_' || dm_utf8_is_alnum(c);
}

static bool in_set(const struct node *n, uint32_t c)
{
    for (size_t i = 0; i < n->n_ranges; i++)
        if (c >= n->ranges[i].from && c <= n->ranges[i].to)
            return true;
    for (const struct node *class = n->classes; class; class = class->a)
        if (in_class(class->c, c) != class->negated)
            return true;
    return false;
}

static uint32_t other_case(uint32_t c)
{
    return c < 0x80 && (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? c ^ 0x20 : c;
}

static bool fits(const struct dm_regexp *re, const struct node *n, uint32_t c)
{
    uint32_t other = re->any_case ? other_case(c) : c;
    switch (n->kind) {
    case CHAR:
        return c == n->c || other == n->c;
    case ANY:
        return c != '\n' || re->dot_all;
    case SET:
        return (in_set(n, c) || in_set(n, other)) != n->negated;
    default:
        return in_class(n->c, c) != n->negated;
    }
}

/* Stands for the edge of the text. */
#define NO_CHAR UINT32_MAX

struct gap {
    uint32_t before, after;
    bool before_last_newline; /* `after` is a line's end, and the text's last character */
};

static bool holds(const struct dm_regexp *re, const struct node *n, const struct gap *g)
{
    bool left = g->before != NO_CHAR && in_class('w', g->before);
    bool right = g->after != NO_CHAR && in_class('w', g->after);
    switch (n->kind) {
    case BEGIN:
        return g->before == NO_CHAR;
    case END:
        return g->after == NO_CHAR;
    case LINE_BEGIN:
        return g->before == NO_CHAR || g->before == '\n';
    case LINE_END:
        return g->after == NO_CHAR || g->before_last_newline || (re->lines && g->after == '\n');
    case EDGE:
        return left != right;
    default:
        return left == right;
    }
}

/* The states that the automaton is in: each at most once. */
struct states {
    size_t *list, *where, n;
};

static bool add_state(struct states *s, size_t at)
{
    if (s->where[at] < s->n && s->list[s->where[at]] == at)
        return false;
    s->where[at] = s->n;
    s->list[s->n++] = at;
    return true;
}

/* Adds a step and all that follows without a character; true where the end is among them. */
static bool follow(const struct dm_regexp *re, struct states *s, size_t *todo, size_t from,
                   const struct gap *g)
{
    size_t n = 0;
    todo[n++] = from;
    while (n) {
        size_t i = todo[--n];
        const struct step *step = &re->steps[i];
        if (!add_state(s, i))
            continue;
        if (step->op == OP_MATCH)
            return true;
        if (step->op == OP_SPLIT)
            todo[n++] = step->y;
        if (step->op == OP_SPLIT || step->op == OP_JUMP)
            todo[n++] = step->x;
        else if (step->op == OP_ASSERT && holds(re, step->node, g))
            todo[n++] = i + 1;
    }
    return false;
}

bool dm_regexp_search(const struct dm_regexp *re, struct dm_str text)
{
    /* todo: every state is taken from it at most once, but may be put there by two others. */
    size_t *memory = dm_calloc(re->n * 6 + 2, sizeof(size_t)), *todo = memory + 4 * re->n;
    struct states now = {memory, memory + re->n, 0},
                  next = {memory + 2 * re->n, memory + 3 * re->n, 0};
    uint32_t before = NO_CHAR;
    bool found = false;
    for (size_t i = 0; !found;) {
        size_t behind = i;
        uint32_t c = i < text.len ? char_at(text, &behind) : NO_CHAR;
        struct gap g = {before, c, c == '\n' && behind == text.len};
        /* States in `next` were reached by the character before: follow them here, where the gap is known. */
        now.n = 0;
        for (size_t k = 0; k < next.n && !found; k++)
            found = follow(re, &now, todo, next.list[k], &g);
        found = found || follow(re, &now, todo, 0, &g);
        if (found || i >= text.len)
            break;
        next.n = 0;
        for (size_t k = 0; k < now.n; k++) {
            const struct step *step = &re->steps[now.list[k]];
            if (step->op == OP_ONE && fits(re, step->node, c))
                add_state(&next, now.list[k] + 1);
        }
        before = c;
        i = behind;
    }
    free(memory);
    return found;
}
