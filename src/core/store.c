#include "store.h"

int movex_store_check(movex_store store)
{
    const movex_store_ops *ops = store.ops;
    if (!ops) return MOVEX_ERR_ARGUMENT;
    if (!store.self) return MOVEX_ERR_MEMORY;
    bool can_read = ops->name && ops->next && ops->open && ops->size && ops->read && ops->truncate;
    bool can_write = ops->reserve && ops->append && ops->replace && ops->remove;
    bool can_keep = ops->flush && ops->durable && ops->taken && ops->status && ops->destroy;
    return can_read && can_write && can_keep && !ops->wait == !ops->wake ? MOVEX_OK : MOVEX_ERR_ARGUMENT;
}

void movex_store_destroy(movex_store store)
{
    if (store.ops && store.self && store.ops->destroy) store.ops->destroy(store.self);
}
