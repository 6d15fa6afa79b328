/* The program: the two roles that a parent starts, or a command. */
#include "cmd/cmd.h"
#include "op/op.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "task-run") == 0)
        return dm_task_run_main(dm_op_find);
    if (argc == 2 && strcmp(argv[1], "step-run") == 0)
        return dm_step_run_main();
    return dm_cli_main(argc, argv);
}
