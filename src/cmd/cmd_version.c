/* daymill version: what this program is. */
#include "cmd/cmd.h"

static int run(struct dm_args *args, struct dm_err *reterr)
{
    if (args->json)
        printf("{\"version\": \"%s\"}\n", DM_VERSION);
    else
        printf("daymill %s\n", DM_VERSION);
    return 0;
}

const struct dm_cmd dm_cmd_version = {
    .name = "version",
    .synopsis = "",
    .doc = "print the version",
    .no_project = true,
    .run = run,
};
