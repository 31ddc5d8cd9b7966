#include "default_limits.h"

static void fall_back(uint32_t *limit, uint32_t standard)
{
    if (*limit == 0) *limit = standard;
}

movex_limits movex_limits_resolve(const movex_limits *configured)
{
    movex_limits limits = *configured;
    fall_back(&limits.message_bytes, 16u << 20);
    fall_back(&limits.queue_bytes, 4u << 20);
    fall_back(&limits.backlog_bytes, 256u << 10);
    if (limits.backlog_bytes > limits.queue_bytes / 2) limits.backlog_bytes = limits.queue_bytes / 2;
    fall_back(&limits.pending, 1024);
    fall_back(&limits.links, 10000);
    fall_back(&limits.sessions, 20000);
    fall_back(&limits.resources, 100000);
    fall_back(&limits.created, 1024);
    fall_back(&limits.subscribers, 10000);
    fall_back(&limits.binds, 1024);
    fall_back(&limits.history, 1024);
    fall_back(&limits.history_bytes, 64u << 10);
    fall_back(&limits.hidden, 64);
    fall_back(&limits.hiders, 64);
    fall_back(&limits.views, 1024);
    fall_back(&limits.journal_bytes, 1u << 20);
    fall_back(&limits.sealed, 256);
    fall_back(&limits.sealed_bytes, 64u << 10);
    return limits;
}

movex_limits movex_limits_of_emitter(const movex_limits *resolved, bool in_process)
{
    movex_limits limits = *resolved;
    fall_back(&limits.messages_per_second, in_process ? MOVEX_UNLIMITED : 4000);
    fall_back(&limits.bytes_per_second, in_process ? MOVEX_UNLIMITED : 1u << 20);
    fall_back(&limits.binds_per_second, in_process ? MOVEX_UNLIMITED : 1024);
    fall_back(&limits.links_per_address, in_process ? MOVEX_UNLIMITED : limits.links / 2 + 1);
    fall_back(&limits.sessions_per_address, in_process ? MOVEX_UNLIMITED : limits.sessions / 2 + 1);
    return limits;
}
