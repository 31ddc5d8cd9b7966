/* How many links and sessions come from one address: so nobody takes the room of all others. */
#include "master_internal.h"

#include <movex/text.h>

static bool is_host(const void *value, const void *wanted)
{
    return strcmp(((const movex_address *)value)->host, wanted) == 0;
}

/* The address without its port. */
static void host_of(const char *address, char host[64])
{
    movex_text_copy(host, 64, address);
    for (size_t i = strlen(host); i-- > 0;)
        if (host[i] == ':') {
            host[i] = '\0';
            return;
        }
}

static uint64_t key_of(const movex_master *master, const char *host)
{
    return movex_siphash(master->table_key, host, strlen(host));
}

static void let_go(movex_master *master, movex_address *address)
{
    if (address->links || address->sessions) return;
    movex_map_remove(&master->addresses, key_of(master, address->host), address);
    movex_release(&master->allocator, address, sizeof *address);
}

int movex_address_add_link(movex_master *master, movex_master_link *link)
{
    const movex_limits *limits = &link->attached->limits;
    char                host[64];
    bool counts = limits->links_per_address != MOVEX_UNLIMITED || limits->sessions_per_address != MOVEX_UNLIMITED;
    if (!link->address[0] || !counts) return MOVEX_OK;
    host_of(link->address, host);
    movex_address *address = movex_map_get(&master->addresses, key_of(master, host), is_host, host);
    if (address && address->links >= limits->links_per_address) return MOVEX_ERR_LIMIT;
    if (!address) {
        address = movex_allocate(&master->allocator, sizeof *address);
        if (!address) return MOVEX_ERR_MEMORY;
        memcpy(address->host, host, sizeof host);
        if (!movex_map_put(&master->addresses, &master->allocator, key_of(master, host), address)) {
            movex_release(&master->allocator, address, sizeof *address);
            return MOVEX_ERR_MEMORY;
        }
    }
    address->links++;
    link->from = address;
    return MOVEX_OK;
}

void movex_address_remove_link(movex_master *master, movex_master_link *link)
{
    movex_address *address = link->from;
    if (!address) return;
    link->from = NULL;
    address->links--;
    let_go(master, address);
}

bool movex_address_has_room(const movex_master_link *link, const movex_session *session)
{
    const movex_address *address = link->from;
    if (!address || (session && session->from == address)) return true;
    return address->sessions < link->attached->limits.sessions_per_address;
}

void movex_address_move_session(movex_master *master, movex_session *session, const movex_master_link *link)
{
    movex_address *before = session->from;
    session->from = link ? link->from : NULL;
    if (session->from) session->from->sessions++;
    if (!before) return;
    before->sessions--;
    let_go(master, before);
}
