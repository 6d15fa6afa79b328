/*
 * .airflowignore: lines of patterns, for the folder that it lies in and those below.  Airflow has two languages: glob, as
 * .gitignore (the last pattern that fits decides, ! takes back), and regexp, which is looked for anywhere in the path
 * from the folder of all DAGs.  Globs become regular expressions.
 */
#include "base/file.h"
#include "lang/dag_loader.h"
#include "lang/regexp.h"

enum { IGNORE_BYTES_MAX = 1 << 20, IGNORE_LINES_MAX = 1000 };

struct dm_ignore_rule {
    const struct dm_ignore_rule *before; /* the lines and files that count before it */
    const struct dm_regexp *re;
    bool keep;               /* ! */
    bool only_folders;       /* ends in / */
    const char *relative_to; /* a folder; NULL = the name alone counts */
};

/* One segment or more of a glob as a regular expression. */
static void add_glob(struct dm_strbuf *b, struct dm_str glob)
{
    for (size_t i = 0; i < glob.len; i++) {
        char c = glob.p[i];
        ptrdiff_t end = c == '[' ? dm_str_find(glob, DM_STR("]"), i + 2) : -1;
        bool stars = c == '*' && i + 1 < glob.len && glob.p[i + 1] == '*';
        bool before = i == 0 || glob.p[i - 1] == '/';
        if (stars && before && i + 2 < glob.len && glob.p[i + 2] == '/') {
            dm_strbuf_adds(b, "(?:.*/)?");
            i += 2;
        } else if (stars && before && i + 2 == glob.len) {
            dm_strbuf_adds(b, ".+");
            i++;
        } else if (c == '*') {
            dm_strbuf_adds(b, "[^/]*");
        } else if (c == '?') {
            dm_strbuf_adds(b, "[^/]");
        } else if (end > 0) {
            size_t from = i + 1;
            bool negated = glob.p[from] == '!' || glob.p[from] == '^';
            dm_strbuf_adds(b, negated ? "[^/" : "[");
            for (from += negated; from < (size_t)end; from++) {
                if (glob.p[from] == '[' || glob.p[from] == '^')
                    dm_strbuf_addc(b, '\\');
                dm_strbuf_addc(b, glob.p[from]);
            }
            dm_strbuf_addc(b, ']');
            i = (size_t)end;
        } else {
            if (c == '\\' && i + 1 < glob.len)
                c = glob.p[++i];
            if (strchr(".^$*+?()[]{}|\\", c))
                dm_strbuf_addc(b, '\\');
            dm_strbuf_addc(b, c);
        }
    }
}

/* False where the line says nothing. */
static bool glob_rule(struct dm_str line, const char *dir, struct dm_ignore_rule *rule,
                      struct dm_strbuf *pattern)
{
    rule->keep = dm_str_starts(line, DM_STR("!"));
    if (rule->keep)
        line = dm_str_sub(line, 1, line.len);
    rule->only_folders = dm_str_ends(line, DM_STR("/"));
    while (dm_str_ends(line, DM_STR("/")))
        line.len--;
    if (dm_str_find(line, DM_STR("/"), 0) >= 0)
        rule->relative_to = dir;
    if (dm_str_starts(line, DM_STR("/")))
        line = dm_str_sub(line, 1, line.len);
    dm_strbuf_addc(pattern, '^');
    add_glob(pattern, line);
    dm_strbuf_addc(pattern, '$');
    return line.len > 0;
}

static struct dm_str without_comment(struct dm_str line)
{
    ptrdiff_t hash = dm_str_find(line, DM_STR("#"), 0);
    return dm_str_trim(hash < 0 ? line : dm_str_sub(line, 0, (size_t)hash));
}

int dm_ignore_read(struct dm_arena *a, const char *dir, const char *root, bool regexp,
                   const struct dm_ignore_rule *before, const struct dm_ignore_rule **ret,
                   struct dm_err *reterr)
{
    const char *path = dm_path_join(a, dir, DM_IGNORE_FILE);
    struct dm_str text, line;
    size_t n = 0;
    *ret = before;
    if (!dm_is_file(path))
        return 0;
    DM_TRY(dm_file_read(a, path, IGNORE_BYTES_MAX, &text, reterr));
    for (int number = 1; dm_str_split(&text, '\n', &line); number++) {
        _cleanup_strbuf_ struct dm_strbuf pattern;
        struct dm_ignore_rule *rule = dm_arena_new(a, struct dm_ignore_rule);
        dm_strbuf_init(&pattern, DM_BUF_MESSAGE);
        line = without_comment(line);
        if (!line.len)
            continue;
        if (++n > IGNORE_LINES_MAX)
            return dm_err_set(reterr, DM_E_LIMIT, "%s has more than %d patterns", path,
                              IGNORE_LINES_MAX);
        if (regexp) {
            rule->relative_to = root;
            dm_strbuf_addstr(&pattern, line);
        } else if (!glob_rule(line, dir, rule, &pattern)) {
            continue;
        }
        /* As in Airflow, a line that is no pattern says nothing. */
        if (dm_regexp_parse(a, dm_strbuf_str(&pattern), &rule->re, NULL) < 0)
            continue;
        rule->before = *ret;
        *ret = rule;
    }
    return 0;
}

bool dm_ignored(struct dm_arena *a, const struct dm_ignore_rule *rule, const char *path,
                bool folder)
{
    for (; rule; rule = rule->before) {
        size_t skip = rule->relative_to ? strlen(rule->relative_to) : 0;
        const char *shown =
            rule->relative_to ? path + skip + (path[skip] == '/') : dm_path_base(path);
        if (rule->only_folders && !folder)
            continue;
        if (dm_regexp_search(rule->re, dm_str_c(shown)))
            return !rule->keep; /* the last one decides: they are looked at from the end */
    }
    return false;
}
