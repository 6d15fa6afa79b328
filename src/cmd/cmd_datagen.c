/* daymill datagen: sample data like the real files. */
#include "cmd/datagen.h"
#include "cmd/print.h"

static const struct dm_option options[] = {
    {"scale", 0, DM_OPTION_TEXT, "S", NULL, "1 = as large as the real files (default 0.1)"},
    {"seed", 0, DM_OPTION_INT, "N", NULL, "the same seed gives the same bytes (default 1)"},
    {"out", 'o', DM_OPTION_TEXT, "DIR", NULL, "where the files go (default: this folder)"},
    {NULL},
};

static int run(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_datagen d = {.seed = (uint64_t)dm_option_int(args, "seed", 1)};
    const char *dir = dm_option_text(args, "out", ".");
    const char *purchases = dm_path_join(args->arena, dir, "OnlineRetail.csv");
    const char *reviews = dm_path_join(args->arena, dir, "movie_review.csv");
    int64_t n_purchases, n_reviews;
    DM_TRY(dm_datagen_scale(dm_option_text(args, "scale", "0.1"), &d.permille, reterr));
    DM_TRY(dm_datagen_purchases(&d, purchases, &n_purchases, reterr));
    DM_TRY(dm_datagen_reviews(&d, reviews, &n_reviews, reterr));
    if (args->quiet)
        return 0;
    struct dm_table t;
    dm_table_init(&t, args->arena, "file rows#");
    dm_table_add(&t,
                 DM_ROW(purchases, dm_arena_printf(args->arena, "%lld", (long long)n_purchases)));
    dm_table_add(&t, DM_ROW(reviews, dm_arena_printf(args->arena, "%lld", (long long)n_reviews)));
    dm_args_print(args, &t);
    return 0;
}

const struct dm_cmd dm_cmd_datagen = {
    .name = "datagen",
    .synopsis = "",
    .doc = "write sample data like the real files",
    .more = "Writes OnlineRetail.csv and movie_review.csv.\n"
            "  daymill datagen --scale 0.1 --seed 7 --out data",
    .options = options,
    .no_project = true,
    .run = run,
};
