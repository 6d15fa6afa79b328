/* Java's regular expressions, as far as POSIX extended ones can say the same. */
#include "task/pattern.h"

static int refuse(const char *java, const char *what, struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_UNSUPPORTED, "the pattern \"%s\" has %s, which is not supported here",
               java, what);
    return DM_E_UNSUPPORTED;
}

/* What stands for a class: \d outside and inside brackets. */
static const char *class_of(char c, bool inside)
{
    switch (c) {
    case 'd':
        return inside ? "0-9" : "[0-9]";
    case 'w':
        return inside ? "a-zA-Z0-9_" : "[a-zA-Z0-9_]";
    case 's':
        return inside ? " \t\n\v\f\r" : "[ \t\n\v\f\r]";
    case 'D':
        return inside ? NULL : "[^0-9]";
    case 'W':
        return inside ? NULL : "[^a-zA-Z0-9_]";
    case 'S':
        return inside ? NULL : "[^ \t\n\v\f\r]";
    default:
        return NULL;
    }
}

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int add_brackets(struct dm_strbuf *b, const char *java, const char **at,
                        struct dm_err *reterr)
{
    const char *p = *at + 1;
    dm_strbuf_addc(b, '[');
    if (*p == '^')
        dm_strbuf_addc(b, *p++);
    for (; *p && *p != ']'; p++) {
        if (*p == '[' || (*p == '&' && p[1] == '&'))
            return refuse(java, "classes inside brackets", reterr);
        if (*p != '\\') {
            dm_strbuf_addc(b, *p);
            continue;
        }
        const char *class = class_of(*++p, true);
        if (class)
            dm_strbuf_adds(b, class);
        else if (*p && !is_letter_or_digit(*p) && !strchr("]^-\\[", *p))
            dm_strbuf_addc(b, *p);
        else
            return refuse(java, "that escape inside brackets", reterr);
    }
    if (!*p)
        return dm_err_set(reterr, DM_E_SYNTAX, "the pattern \"%s\" has [ without ]", java);
    dm_strbuf_addc(b, ']');
    *at = p;
    return 0;
}

static int translate(struct dm_strbuf *b, const char *java, struct dm_err *reterr)
{
    dm_strbuf_adds(b, "^(");
    for (const char *p = java; *p; p++) {
        if (*p == '[') {
            DM_TRY(add_brackets(b, java, &p, reterr));
        } else if (*p == '\\') {
            const char *class = class_of(*++p, false);
            if (class)
                dm_strbuf_adds(b, class);
            else if (*p && !is_letter_or_digit(*p))
                dm_strbuf_addf(b, "\\%c", *p);
            else
                return refuse(java, "that escape", reterr);
        } else if (*p == '(' && p[1] == '?') {
            if (p[2] != ':')
                return refuse(java, "(?…)", reterr);
            dm_strbuf_addc(b, '(');
            p += 2;
        } else {
            dm_strbuf_addc(b, *p);
            /* A lazy quantifier matches the same whole texts. */
            if (strchr("*+?}", *p) && p[1] == '?')
                p++;
            else if (strchr("*+?}", *p) && p[1] == '+')
                return refuse(java, "a possessive quantifier", reterr);
        }
    }
    dm_strbuf_adds(b, ")$");
    return dm_strbuf_check(b, "a pattern", reterr);
}

int dm_pattern_init(struct dm_pattern *p, const char *java, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    char why[256];
    p->compiled = false;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(translate(&b, java, reterr));
    int e = regcomp(&p->regex, b.p, REG_EXTENDED | REG_NOSUB);
    if (e) {
        regerror(e, &p->regex, why, sizeof(why));
        return dm_err_set(reterr, DM_E_SYNTAX, "the pattern \"%s\" is wrong: %s", java, why);
    }
    p->compiled = true;
    return 0;
}

bool dm_pattern_matches(const struct dm_pattern *p, const char *text)
{
    return regexec(&p->regex, text, 0, NULL, 0) == 0;
}

void dm_pattern_release(struct dm_pattern *p)
{
    if (p->compiled)
        regfree(&p->regex);
    p->compiled = false;
}
