/* All commands, in the order of --help.  A command is one file that exports its `struct dm_cmd`. */
#include "cmd/cmd.h"

extern const struct dm_cmd dm_cmd_datagen, dm_cmd_version;

const struct dm_cmd *const dm_cmds[] = {
    &dm_cmd_datagen,
    &dm_cmd_version,
    NULL,
};
