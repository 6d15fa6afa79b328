/*
 * The runner of golden files:  golden KIND FILE…
 * Prints each case that fails, with what was expected and what came, and the counts at the end.  Exits with 1 where a
 * case failed, a file could not be read or a line is no case, and with 2 where it was called wrongly.
 */
#include "golden.h"

#include "base/file.h"

enum { FILE_MAX_BYTES = 256 << 20 };

static const struct golden_kind *const kinds[] = {
#define GOLDEN_KIND(name) &golden_##name,
#include "kinds.def"
#undef GOLDEN_KIND
};

struct counts {
    size_t passed, failed, skipped;
};

static void print_side(const char *label, const char *text)
{
    printf("  %s %s\n", label, text ? text : "(nothing)");
}

static void report(struct golden_case *c, enum golden_verdict verdict, size_t line,
                   struct counts *counts)
{
    struct dm_str id = dm_map_str(c->value, "id", "(no id)");
    if (verdict == GOLDEN_SKIP && !dm_map_at(c->value, "quirk")) {
        c->got = dm_arena_printf(c->arena, "skipped (%s), but the case has no quirk",
                                 c->got ? c->got : "no reason");
        verdict = GOLDEN_FAIL;
    }
    if (verdict == GOLDEN_PASS) {
        counts->passed++;
    } else if (verdict == GOLDEN_SKIP) {
        counts->skipped++;
        printf("skip %.*s: %s\n", DM_FMT(id), c->got ? c->got : "");
    } else {
        counts->failed++;
        printf("FAIL %.*s (%s:%zu)\n", DM_FMT(id), c->file, line);
        print_side("expected", c->expected);
        print_side("got     ", c->got);
    }
}

static void run_line(const struct golden_kind *kind, const char *file, struct dm_str text,
                     size_t line, struct counts *counts)
{
    _cleanup_arena_ struct dm_arena arena;
    dm_arena_init(&arena);
    struct dm_err err;
    struct dm_value *value;
    if (dm_value_from_json(&arena, text, &value, &err) < 0 || value->kind != DM_MAP) {
        printf("FAIL %s:%zu: not a case: %s\n", file, line,
               dm_value_from_json(&arena, text, &value, &err) < 0 ? err.message : "no JSON object");
        counts->failed++;
        return;
    }
    struct golden_case c = {.arena = &arena, .value = value, .file = file};
    report(&c, kind->run(&c), line, counts);
}

static int run_file(const struct golden_kind *kind, const char *file, struct counts *counts)
{
    _cleanup_arena_ struct dm_arena arena;
    dm_arena_init(&arena);
    struct dm_err err;
    struct dm_str text, line;
    if (dm_file_read(&arena, file, FILE_MAX_BYTES, &text, &err) < 0) {
        fprintf(stderr, "golden: %s\n", err.message);
        return -1;
    }
    size_t number = 0, cases = 0;
    while (dm_str_split(&text, '\n', &line)) {
        number++;
        if (!dm_str_trim(line).len)
            continue;
        cases++;
        run_line(kind, file, line, number, counts);
    }
    if (cases)
        return 0;
    fprintf(stderr, "golden: %s: no cases in it\n", file);
    return -1;
}

int main(int argc, char **argv)
{
    const size_t n = sizeof(kinds) / sizeof(kinds[0]);
    size_t k = 0;
    while (argc > 1 && k < n && strcmp(kinds[k]->name, argv[1]) != 0)
        k++;
    if (argc < 3 || k == n) {
        fprintf(stderr, "usage: golden KIND FILE...\nkinds:");
        for (size_t i = 0; i < n; i++)
            fprintf(stderr, " %s", kinds[i]->name);
        fprintf(stderr, "\n");
        return 2;
    }
    struct counts counts = {0};
    bool broken = false;
    for (int i = 2; i < argc; i++)
        broken |= run_file(kinds[k], argv[i], &counts) < 0;
    printf("%zu passed, %zu failed, %zu skipped\n", counts.passed, counts.failed, counts.skipped);
    return counts.failed || broken ? 1 : 0;
}
