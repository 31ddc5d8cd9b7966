/* Connecting to a master within the process: the one place that knows both a master and an emitter. */
#include "local_internal.h"

movex_io movex_local_connect(movex_master *master)
{
    const movex_io none = {.ops = movex_local_ops()};
    if (!master) return none;
    movex_local *local = movex_local_of(movex_master_emitter(master, movex_local_ops()));
    if (local) return movex_local_dial(local);

    local = movex_local_new(movex_master_allocator(master));
    if (!local) return none;
    movex_io io = movex_master_attach(master, movex_local_listen(local)) == MOVEX_OK ? movex_local_dial(local) : none;
    movex_local_free(local); /* its emitters hold it from now on */
    return io;
}
