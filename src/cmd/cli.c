/* The command line: finds the command in the table, parses its options, runs it, prints what failed. */
#include <locale.h>
#include <signal.h>

#include "base/time.h"
#include "cmd/cmd.h"
#include "cmd/print.h"

enum { ARGS_MAX = 4096 };

/* What every command takes besides its own options. */
static const struct dm_option common[] = {
    {"project", 'C', DM_OPTION_TEXT, "DIR", NULL,
     "the project folder (default: DAYMILL_HOME, else the nearest parent with a daymill.yaml)"},
    {"json", 0, DM_OPTION_FLAG, NULL, NULL, "print data as JSON"},
    {"quiet", 'q', DM_OPTION_FLAG, NULL, NULL, "print errors only"},
    {"help", 'h', DM_OPTION_FLAG, NULL, NULL, "print this page"},
    {NULL},
};
enum { COMMON_PROJECT, COMMON_JSON, COMMON_QUIET, COMMON_HELP, COMMON_COUNT };

static size_t count_options(const struct dm_option *options)
{
    size_t n = 0;
    while (options && options[n].name)
        n++;
    return n;
}

static int option_index(const struct dm_option *options, struct dm_str name)
{
    for (int i = 0; options && options[i].name; i++)
        if (dm_str_is(name, options[i].name) ||
            (name.len == 1 && options[i].letter && name.p[0] == options[i].letter))
            return i;
    return -1;
}

const char *dm_option_text(const struct dm_args *args, const char *option, const char *fallback)
{
    int i = option_index(args->cmd->options, dm_str_c(option));
    if (i < 0)
        DM_BUG("command %s has no option --%s", args->cmd->name, option);
    return args->option_values[i] ? args->option_values[i] : fallback;
}

bool dm_option_flag(const struct dm_args *args, const char *option)
{
    return dm_option_text(args, option, NULL) != NULL;
}

int64_t dm_option_int(const struct dm_args *args, const char *option, int64_t fallback)
{
    const char *text = dm_option_text(args, option, NULL);
    int64_t v = fallback;
    if (text && !dm_str_to_i64(dm_str_c(text), &v))
        DM_BUG("option --%s was not checked", option);
    return v;
}

/* ---- help ---- */

enum { HELP_WIDTH = 100, OPTION_COLUMN = 32, COMMAND_COLUMN = 32 };

/* Columns that a UTF-8 text takes. */
static int width(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

/* `left`, then `doc` from `column` on, broken between words at HELP_WIDTH. */
static void help_line(const char *left, int column, const char *doc)
{
    int at = width(left);
    printf("%s", left);
    if (at + 2 > column) {
        printf("\n");
        at = 0;
    }
    printf("%*s", column - at, "");
    at = column;
    while (*doc) {
        size_t n = strcspn(doc, " ");
        if (at > column && at + 1 + (int)n > HELP_WIDTH) {
            printf("\n%*s", column, "");
            at = column;
        }
        at += printf("%s%.*s", at > column ? " " : "", (int)n, doc);
        doc += n;
        doc += strspn(doc, " ");
    }
    printf("\n");
}

static void help_options(const struct dm_option *options)
{
    for (size_t i = 0; options && options[i].name; i++) {
        const struct dm_option *o = &options[i];
        char left[120], letter[8] = "    ";
        if (o->letter)
            snprintf(letter, sizeof(letter), "-%c, ", o->letter);
        const char *value = o->choices ? o->choices : o->value_name;
        snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name, value ? " " : "",
                 value ? value : "");
        help_line(left, OPTION_COLUMN, o->doc);
    }
}

static void help_command(const struct dm_cmd *c)
{
    printf("daymill %s: %s\n\nusage: daymill %s%s%s%s\n", c->name, c->doc, c->name,
           *c->synopsis ? " " : "", c->synopsis, c->options ? " [options]" : "");
    if (c->more)
        printf("\n%s\n", c->more);
    if (c->options) {
        printf("\nOptions:\n");
        help_options(c->options);
    }
    printf("\nOptions of every command:\n");
    help_options(common);
}

static void help_entry(const struct dm_cmd *c)
{
    char left[120];
    snprintf(left, sizeof(left), "  %s %s", c->name, c->synopsis);
    help_line(left, COMMAND_COLUMN, c->doc);
}

static void help_all(void)
{
    printf("daymill: runs daily batch data pipelines\n\n"
           "usage: daymill [-C DIR] COMMAND [ARGUMENTS]\n\nCommands:\n");
    for (size_t i = 0; dm_cmds[i]; i++)
        help_entry(dm_cmds[i]);
    printf("\nOptions of every command:\n");
    help_options(common);
    printf("\nA DAY is 2010-12-05 or a run id.  \"daymill COMMAND --help\" explains a command.\n"
           "New here?  \"daymill init shop\" makes a project and says what to try.\n");
}

/* ---- finding the command ---- */

static bool is_group(struct dm_str word)
{
    for (size_t i = 0; dm_cmds[i]; i++) {
        struct dm_str name = dm_str_c(dm_cmds[i]->name);
        if (name.len > word.len && dm_str_starts(name, word) && name.p[word.len] == ' ')
            return true;
    }
    return false;
}

static void help_group(const char *word)
{
    printf("daymill %s: its commands\n\n", word);
    for (size_t i = 0; dm_cmds[i]; i++) {
        struct dm_str name = dm_str_c(dm_cmds[i]->name);
        if (dm_str_starts(name, dm_str_c(word)) && name.p[strlen(word)] == ' ')
            help_entry(dm_cmds[i]);
    }
    printf("\n\"daymill %s COMMAND --help\" explains one of them.\n", word);
}

static const struct dm_cmd *find_command(const char *first, const char *second, int *ret_words)
{
    char two[128];
    snprintf(two, sizeof(two), "%s %s", first, second ? second : "");
    for (size_t i = 0; dm_cmds[i]; i++) {
        if (second && strcmp(dm_cmds[i]->name, two) == 0)
            return *ret_words = 2, dm_cmds[i];
        if (strcmp(dm_cmds[i]->name, first) == 0)
            return *ret_words = 1, dm_cmds[i];
    }
    return NULL;
}

static int unknown_command(const char *first, const char *second, struct dm_err *reterr)
{
    const char *names[256];
    size_t n = 0;
    char given[128];
    if (second && is_group(dm_str_c(first)))
        snprintf(given, sizeof(given), "%s %s", first, second);
    else
        snprintf(given, sizeof(given), "%s", first);
    for (size_t i = 0; dm_cmds[i] && n < 255; i++)
        names[n++] = dm_cmds[i]->name;
    names[n] = NULL;
    const char *near = dm_str_nearest(dm_str_c(given), names);
    dm_err_set(reterr, DM_E_USAGE, "no command \"%s\"", given);
    if (near)
        dm_err_hint(reterr, "Did you mean \"daymill %s\"?  \"daymill --help\" lists all.", near);
    else
        dm_err_hint(reterr, "\"daymill --help\" lists all.");
    return DM_E_USAGE;
}

/* ---- parsing ---- */

static int check_choice(const struct dm_option *o, const char *value, struct dm_err *reterr)
{
    enum { CHOICES_MAX = 16 };
    _cleanup_arena_ struct dm_arena a = {0};
    const char *names[CHOICES_MAX + 1];
    struct dm_str rest = dm_str_c(o->choices), piece;
    size_t n = 0;
    while (dm_str_split(&rest, '|', &piece)) {
        if (dm_str_is(piece, value))
            return 0;
        DM_ASSERT(n < CHOICES_MAX);
        names[n++] = dm_str_cstr(&a, piece);
    }
    names[n] = NULL;
    const char *near = dm_str_nearest(dm_str_c(value), names);
    dm_err_set(reterr, DM_E_USAGE, "--%s wants one of %s, not \"%s\"", o->name, o->choices, value);
    if (near)
        dm_err_hint(reterr, "Did you mean \"%s\"?", near);
    return DM_E_USAGE;
}

static int check_value(const struct dm_option *o, const char *value, struct dm_err *reterr)
{
    int64_t number;
    if (o->kind == DM_OPTION_INT && !dm_str_to_i64(dm_str_c(value), &number))
        return dm_err_set(reterr, DM_E_USAGE, "--%s wants a whole number, not \"%s\"", o->name,
                          value);
    if (o->kind == DM_OPTION_JSON) {
        _cleanup_arena_ struct dm_arena a = {0};
        struct dm_value *v;
        if (dm_value_from_json(&a, dm_str_c(value), &v, reterr) < 0)
            return dm_err_wrap(reterr, "--%s", o->name), reterr->code = DM_E_USAGE;
    }
    if (o->kind == DM_OPTION_CHOICE)
        return check_choice(o, value, reterr);
    return 0;
}

static int unknown_option(const struct dm_cmd *c, struct dm_str name, struct dm_err *reterr)
{
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; i < count_options(c->options) && n < 56; i++)
        names[n++] = c->options[i].name;
    for (size_t i = 0; i < COMMON_COUNT; i++)
        names[n++] = common[i].name;
    names[n] = NULL;
    const char *near = dm_str_nearest(name, names);
    dm_err_set(reterr, DM_E_USAGE, "\"daymill %s\" has no option %s%.*s", c->name,
               name.len == 1 ? "-" : "--", DM_FMT(name));
    if (near)
        dm_err_hint(reterr, "Did you mean --%s?  \"daymill %s --help\" lists all.", near, c->name);
    else
        dm_err_hint(reterr, "\"daymill %s --help\" lists all.", c->name);
    return DM_E_USAGE;
}

struct parse {
    struct dm_args *args;
    const char *common_values[COMMON_COUNT];
};

/* One option at argv[*i]; moves *i over its value. */
static int parse_option(struct parse *p, int argc, char **argv, int *i, struct dm_err *reterr)
{
    const char *given = argv[*i];
    struct dm_str name = dm_str_c(given + (given[1] == '-' ? 2 : 1));
    const char *value = NULL;
    ptrdiff_t eq = given[1] == '-' ? dm_str_find(name, DM_STR("="), 0) : -1;
    if (eq >= 0) {
        value = name.p + eq + 1;
        name.len = (size_t)eq;
    } else if (given[1] != '-' && name.len > 1) {
        value = name.p + 1; /* -Cdir */
        name.len = 1;
    }
    const struct dm_cmd *c = p->args->cmd;
    const struct dm_option *o;
    const char **slot;
    int k = option_index(c->options, name);
    if (k >= 0) {
        o = &c->options[k];
        slot = &p->args->option_values[k];
    } else {
        k = option_index(common, name);
        if (k < 0)
            return unknown_option(c, name, reterr);
        o = &common[k];
        slot = &p->common_values[k];
    }
    if (o->kind == DM_OPTION_FLAG) {
        if (value)
            return dm_err_set(reterr, DM_E_USAGE, "--%s takes no value", o->name);
        *slot = "yes";
        return 0;
    }
    if (!value) {
        if (*i + 1 >= argc)
            return dm_err_set(reterr, DM_E_USAGE, "--%s wants a value (%s)", o->name,
                              o->value_name ? o->value_name : o->choices);
        value = argv[++*i];
    }
    DM_TRY(check_value(o, value, reterr));
    *slot = value;
    return 0;
}

static int parse(struct parse *p, int argc, char **argv, int from, struct dm_err *reterr)
{
    struct dm_args *args = p->args;
    bool options = true;
    for (int i = from; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && argv[i][0] == '-' && argv[i][1])
            DM_TRY(parse_option(p, argc, argv, &i, reterr));
        else
            args->v[args->n++] = argv[i];
    }
    return 0;
}

static int check_count(const struct dm_args *args, struct dm_err *reterr)
{
    const struct dm_cmd *c = args->cmd;
    if (args->n >= c->min_args && (c->max_args < 0 || args->n <= c->max_args))
        return 0;
    if (args->n > c->min_args && c->max_args == 0)
        dm_err_set(reterr, DM_E_USAGE, "\"daymill %s\" takes no argument, \"%s\" is one too many",
                   c->name, args->v[0]);
    else if (args->n > c->min_args)
        dm_err_set(reterr, DM_E_USAGE, "\"daymill %s\" takes %s; \"%s\" is one too many", c->name,
                   c->synopsis, args->v[c->max_args]);
    else
        dm_err_set(reterr, DM_E_USAGE, "\"daymill %s\" wants %s; %d given", c->name, c->synopsis,
                   args->n);
    return dm_err_hint(reterr, "\"daymill %s --help\" explains it.", c->name);
}

/* -C DIR may stand before the command. */
static int leading_options(int argc, char **argv, const char **ret_dir, struct dm_err *reterr)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-' && argv[i][1]) {
        struct dm_str a = dm_str_c(argv[i]);
        if (dm_str_is(a, "-C") || dm_str_is(a, "--project")) {
            if (i + 1 >= argc)
                return dm_err_set(reterr, DM_E_USAGE, "-C wants a value (DIR)");
            *ret_dir = argv[i + 1];
            i += 2;
        } else if (dm_str_starts(a, DM_STR("--project="))) {
            *ret_dir = argv[i++] + strlen("--project=");
        } else if (a.len > 2 && dm_str_starts(a, DM_STR("-C"))) {
            *ret_dir = argv[i++] + 2;
        } else {
            break;
        }
    }
    return i;
}

static const char *shell_word(struct dm_arena *a, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./,:+=@%";
    if (*word && strspn(word, plain) == strlen(word))
        return word;
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    dm_strbuf_addc(&b, '\'');
    for (; *word; word++)
        if (*word == '\'')
            dm_strbuf_adds(&b, "'\\''");
        else
            dm_strbuf_addc(&b, *word);
    dm_strbuf_addc(&b, '\'');
    return dm_str_cstr(a, dm_strbuf_str(&b));
}

/* What a command that is printed begins with, so that it can be typed where this one was. */
static const char *self(struct dm_arena *a, const char *program, const char *dir)
{
    program = shell_word(a, program);
    return dir ? dm_arena_printf(a, "%s -C %s", program, shell_word(a, dir)) : program;
}

static int run_command(struct dm_arena *a, const struct dm_cmd *cmd, const char *dir, int argc,
                       char **argv, int from, struct dm_err *reterr)
{
    struct dm_args args = {.arena = a, .cmd = cmd};
    struct parse p = {.args = &args, .common_values = {dir}};
    args.v = dm_arena_array(a, const char *, (size_t)argc + 1);
    args.option_values = dm_arena_array(a, const char *, count_options(cmd->options) + 1);
    args.terminal = isatty(1);
    args.color = args.terminal && !getenv("NO_COLOR");
    DM_TRY(parse(&p, argc, argv, from, reterr));
    if (p.common_values[COMMON_HELP]) {
        help_command(cmd);
        return 0;
    }
    args.self = self(a, argv[0], p.common_values[COMMON_PROJECT]);
    args.json = p.common_values[COMMON_JSON] != NULL;
    args.quiet = p.common_values[COMMON_QUIET] != NULL;
    DM_TRY(check_count(&args, reterr));
    struct dm_project project;
    if (cmd->no_project)
        return cmd->run(&args, reterr);
    DM_TRY(dm_project_open(&project, p.common_values[COMMON_PROJECT], reterr));
    args.project = &project;
    int rc = cmd->run(&args, reterr);
    dm_project_release(&project);
    return rc;
}

static int run_line(struct dm_arena *a, int argc, char **argv, struct dm_err *reterr)
{
    const char *dir = NULL;
    if (argc > ARGS_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "more than %d arguments", ARGS_MAX);
    int at = leading_options(argc, argv, &dir, reterr);
    if (at < 0)
        return at;
    const char *first = at < argc ? argv[at] : NULL;
    if (!first || strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 ||
        (strcmp(first, "help") == 0 && at + 1 == argc)) {
        help_all();
        return first ? 0 : DM_E_USAGE;
    }
    if (strcmp(first, "--version") == 0)
        first = "version";
    const char *second = at + 1 < argc ? argv[at + 1] : NULL;
    if (strcmp(first, "help") == 0) {
        int words;
        const struct dm_cmd *c = find_command(second, at + 2 < argc ? argv[at + 2] : NULL, &words);
        if (!c && !is_group(dm_str_c(second)))
            return unknown_command(second, NULL, reterr);
        if (c)
            help_command(c);
        else
            help_group(second);
        return 0;
    }
    int words;
    const struct dm_cmd *cmd = find_command(first, second, &words);
    if (!cmd) {
        bool asks = !second || strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0;
        if (asks && is_group(dm_str_c(first))) {
            help_group(first);
            return second ? 0 : DM_E_USAGE;
        }
        return unknown_command(first, second, reterr);
    }
    return run_command(a, cmd, dir, argc, argv, at + words, reterr);
}

int dm_cli_main(int argc, char **argv)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err = {0};
    signal(SIGPIPE, SIG_IGN);
    int rc = run_line(&a, argc, argv, &err);
    if (fflush(stdout) != 0 && rc >= 0)
        rc = DM_E_IO; /* a full disk or a closed pipe behind us */
    if (rc < 0 && err.code)
        dm_print_err(&err);
    return rc < 0 ? dm_code_exit(rc) : 0;
}
