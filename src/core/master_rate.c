/* How fast a client may send: a token bucket each for messages, their bytes, and those of them that bind. What comes faster waits
   here, up to a limit, and is taken when its time has come; nobody else waits for it. */
#include "master_internal.h"

enum {
    HEADER = 4,
    UNIT = 1000
}; /* bytes before each frame that waits; of a token, so that a millisecond brings whole numbers */

static movex_budget *budget_of(movex_master_link *link)
{
    return link->session ? &link->session->budget : &link->budget;
}

static void fill_one(int64_t *level, uint32_t per_second, uint64_t elapsed_ms)
{
    int64_t full = (int64_t)per_second * UNIT, missing = full - *level;
    if (elapsed_ms > (uint64_t)missing / per_second)
        *level = full;
    else
        *level += (int64_t)(elapsed_ms * per_second);
}

static void fill(const movex_master *master, const movex_limits *rates, movex_budget *budget)
{
    uint64_t elapsed_ms = budget->begun ? master->now_ms - budget->filled_ms : UINT64_MAX;
    fill_one(&budget->messages, rates->messages_per_second, elapsed_ms);
    fill_one(&budget->bytes, rates->bytes_per_second, elapsed_ms);
    fill_one(&budget->binds, rates->binds_per_second, elapsed_ms);
    budget->filled_ms = master->now_ms;
    budget->begun = true;
}

/* A message may go into debt with its bytes, as may a BIND within a CHUNK: then the next one waits. */
static int64_t least_binds(uint8_t kind)
{
    return kind == MOVEX_MESSAGE_BIND ? UNIT : 0;
}

bool movex_rate_allows(movex_master *master, movex_master_link *link, uint8_t kind)
{
    movex_budget       *budget = budget_of(link);
    const movex_limits *rates = &link->attached->limits;
    if (!budget->begun || budget->filled_ms != master->now_ms) fill(master, rates, budget);
    return (budget->messages >= UNIT || rates->messages_per_second == MOVEX_UNLIMITED) &&
           (budget->bytes > 0 || rates->bytes_per_second == MOVEX_UNLIMITED) &&
           (budget->binds >= least_binds(kind) || rates->binds_per_second == MOVEX_UNLIMITED);
}

void movex_rate_spend(movex_master_link *link, size_t bytes)
{
    movex_budget *budget = budget_of(link);
    budget->messages -= UNIT;
    budget->bytes -= (int64_t)bytes * UNIT;
}

void movex_rate_spend_bind(movex_master_link *link)
{
    if (link->attached->rated) budget_of(link)->binds -= UNIT;
}

int movex_rate_wait(movex_master *master, movex_master_link *link, const void *frame, size_t length)
{
    movex_buffer *inbox = &link->inbox;
    uint32_t      stored = (uint32_t)length;
    if (inbox->length - link->inbox_start + length > master->config.limits.waiting_bytes) return MOVEX_ERR_LIMIT;
    if (!movex_buffer_reserve(inbox, &master->allocator, HEADER + length)) return MOVEX_ERR_MEMORY;
    memcpy(inbox->bytes + inbox->length, &stored, HEADER);
    memcpy(inbox->bytes + inbox->length + HEADER, frame, length);
    inbox->length += HEADER + length;
    if (!link->waiting.list) movex_list_append(&master->waiting, &link->waiting);
    return MOVEX_OK;
}

static uint32_t first_length(const movex_master_link *link)
{
    uint32_t length;
    memcpy(&length, link->inbox.bytes + link->inbox_start, HEADER);
    return length;
}

movex_reader movex_rate_first(const movex_master_link *link)
{
    return movex_reader_over(link->inbox.bytes + link->inbox_start + HEADER, first_length(link));
}

void movex_rate_taken(movex_master *master, movex_master_link *link, size_t left)
{
    movex_buffer *inbox = &link->inbox;
    uint32_t      stored = (uint32_t)left;
    size_t        end = link->inbox_start + HEADER + first_length(link);
    link->inbox_start = end;
    if (left) {
        link->inbox_start -= left + HEADER;
        memcpy(inbox->bytes + link->inbox_start, &stored, HEADER);
    }
    if (link->inbox_start == inbox->length) {
        movex_buffer_free(inbox, &master->allocator); /* it is needed seldom */
        link->inbox_start = 0;
        movex_list_remove(&link->waiting);
    } else if (link->inbox_start > inbox->capacity / 2) {
        inbox->length -= link->inbox_start;
        memmove(inbox->bytes, inbox->bytes + link->inbox_start, inbox->length);
        link->inbox_start = 0;
    }
}

static uint64_t later(uint64_t ms, int64_t level, int64_t least, uint32_t per_second)
{
    if (level >= least || per_second == MOVEX_UNLIMITED) return ms;
    uint64_t needed = ((uint64_t)(least - level) + per_second - 1) / per_second;
    return needed > ms ? needed : ms;
}

static uint64_t due_ms(const movex_master_link *link)
{
    const movex_budget *budget = link->session ? &link->session->budget : &link->budget;
    const movex_limits *rates = &link->attached->limits;
    movex_reader        first = movex_rate_first(link);
    uint64_t            ms = later(0, budget->messages, UNIT, rates->messages_per_second);
    ms = later(ms, budget->bytes, 1, rates->bytes_per_second);
    ms = later(ms, budget->binds, least_binds(first.at[0]), rates->binds_per_second);
    return budget->filled_ms + ms;
}

uint64_t movex_rate_due_ms(const movex_master *master)
{
    uint64_t first = UINT64_MAX;
    for (movex_node *node = master->waiting.first; node; node = node->next) {
        uint64_t due = due_ms(movex_master_link_of_waiting(node));
        if (due < first) first = due;
    }
    return first;
}
