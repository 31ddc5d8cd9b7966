/* The leak checker: plays a schedule twice and records, for each viewer, what it may learn from and what it is sent. */
#include "mock_internal.h"
#include "mock_leak_internal.h"

#include <movex/text.h>
#include <stdio.h>
#include <string.h>

/* ---- memory */

/* Room for `count` more elements of that size at *block. */
static bool grow(movex_leak_record *record, void *block, size_t *capacity, size_t used, size_t count, size_t size)
{
    void  *old, *grown;
    size_t wanted = *capacity ? *capacity : 16;
    if (record->failed) return false;
    if (used + count <= *capacity) return true;
    while (wanted < used + count) wanted *= 2;
    memcpy(&old, block, sizeof old);
    grown = record->allocator.reallocate(record->allocator.user, old, *capacity * size, wanted * size);
    record->failed = !grown;
    if (!grown) return false;
    memcpy(block, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}

static void release(const movex_leak_record *record, void *block, size_t size)
{
    movex_mock_release_block(&record->allocator, block, size);
}

static bool record_init(movex_leak_record *record, const movex_leak_config *config)
{
    *record = (movex_leak_record){.config = config, .allocator = config->allocator};
    if (!record->allocator.allocate) record->allocator = movex_allocator_default();
    while (config->viewers[record->viewer_count]) record->viewer_count++;
    record->viewers = movex_mock_allocate(&record->allocator, record->viewer_count * sizeof *record->viewers);
    for (size_t i = 0; record->viewers && i < record->viewer_count; i++) record->viewers[i].id = config->viewers[i];
    return record->viewers != NULL;
}

static void record_free(movex_leak_record *record)
{
    for (size_t i = 0; record->viewers && i < record->viewer_count; i++) {
        leak_viewer *viewer = &record->viewers[i];
        release(record, viewer->inputs.events, viewer->inputs.capacity * sizeof(leak_event));
        release(record, viewer->outputs.events, viewer->outputs.capacity * sizeof(leak_event));
    }
    release(record, record->viewers, record->viewer_count * sizeof *record->viewers);
    release(record, record->entries, record->entry_capacity * sizeof *record->entries);
    release(record, record->resources, record->resource_capacity * sizeof *record->resources);
    release(record, record->bytes, record->byte_capacity);
    release(record, record->commitments, record->commitment_capacity * LEAK_COMMITMENT);
}

static void add(movex_leak_record *record, leak_viewer *viewer, leak_event event)
{
    leak_events *events = event.kind == LEAK_SENT ? &viewer->outputs : &viewer->inputs;
    if (!grow(record, &events->events, &events->capacity, events->count, 1, sizeof event)) return;
    event.may_show = record->may_show;
    event.step = record->net->step;
    event.ms = record->net->now_ms;
    event.inputs = viewer->inputs.count;
    event.entries = record->entry_count;
    events->events[events->count++] = event;
}

/* ---- frames */

static bool keep_bytes(movex_leak_record *record, const movex_mock_frame *frame, leak_event *event)
{
    const void *bytes = frame->text ? (const void *)frame->text : frame->data;
    event->length = frame->text ? strlen(frame->text) : frame->length;
    event->at = record->byte_count;
    if (!grow(record, &record->bytes, &record->byte_capacity, record->byte_count, event->length, 1)) return false;
    if (event->length) memcpy(record->bytes + record->byte_count, bytes, event->length);
    record->byte_count += event->length;
    return true;
}

/* Whether it is the network's doing: it has ended the link, or what was sent can't be told any more. */
static bool is_networks(const movex_mock_frame *frame)
{
    return frame->corrupted || (frame->text && strcmp(frame->text, MOCK_CLOSED_BY_PEER) != 0);
}

/* What the master sends to others is their business; what they send is a circumstance, without its bytes, and so is what the
   network does. */
static void add_frame(movex_leak_record *record, leak_viewer *viewer, const movex_mock_frame *frame)
{
    leak_event event = {.kind = LEAK_OTHER, .what = frame->kind, .due_ms = frame->due_ms, .number = frame->number};
    if (strcmp(frame->to, viewer->id) == 0)
        event.kind = is_networks(frame) ? LEAK_OTHER : LEAK_SENT;
    else if (strcmp(frame->from, viewer->id) == 0)
        event.kind = LEAK_OWN;
    else if (frame->kind == MOVEX_IO_MESSAGE && !frame->by_dialler)
        return;
    viewer->seen = viewer->seen || event.kind != LEAK_OTHER;
    movex_text_set(event.peer, event.kind == LEAK_OWN ? frame->to : frame->from);
    if (event.kind != LEAK_OTHER && !keep_bytes(record, frame, &event)) return;
    add(record, viewer, event);
}

static void tap(void *user, const movex_mock_frame *frame)
{
    movex_leak_record       *record = user;
    const movex_mock_config *network = &record->config->network;
    if (network->tap) network->tap(network->user, frame);
    for (size_t i = 0; i < record->viewer_count; i++) add_frame(record, &record->viewers[i], frame);
}

/* ---- entries */

/* FNV-1a, over 64 bits more. */
static uint64_t fold(uint64_t so_far, uint64_t value)
{
    for (int i = 0; i < 8; i++) so_far = (so_far ^ (value >> 8 * i & 0xff)) * 0x100000001b3u;
    return so_far;
}

static uint64_t fold_text(uint64_t so_far, const char *text)
{
    while (*text) so_far = fold(so_far, (unsigned char)*text++);
    return fold(so_far, 0);
}

static leak_resource *find_resource(movex_leak_record *record, const movex_type *type, const char *id)
{
    uint64_t name = fold_text(fold_text(0xcbf29ce484222325u, type->name), id);
    for (size_t i = 0; i < record->resource_count; i++)
        if (record->resources[i].name == name) return &record->resources[i];
    if (!grow(record, &record->resources, &record->resource_capacity, record->resource_count, 1, sizeof(leak_resource)))
        return NULL;
    record->resources[record->resource_count] = (leak_resource){name, name};
    return &record->resources[record->resource_count++];
}

/* All that everybody may know of an entry. That it hides something is not part of it. */
static uint64_t public_part(const movex_master *master, const movex_ordered *entry)
{
    uint64_t what = entry->replaced ? movex_master_time(master) : entry->unseals ? 0 : entry->action;
    uint64_t flags = (entry->replaced ? 1u : 0u) | (entry->reveals ? 2u : 0u) | (entry->unseals ? 4u : 0u);
    return fold(fold(fold(entry->digest, entry->version), what), flags);
}

static bool is_subscribed(const movex_master *master, const movex_type *type, const char *id, const char *viewer)
{
    movex_subscriber subscriber;
    for (uint32_t i = 0; movex_master_subscriber_at(master, type, id, i, &subscriber); i++)
        if (strcmp(subscriber.id, viewer) == 0) return true;
    return false;
}

static bool read_view(movex_leak_record *record, const movex_master *master, const movex_type *type, const char *id,
                      const char *viewer, uint64_t *checksum)
{
    int status = movex_master_view(master, type, id, viewer, NULL, checksum);
    if (status == MOVEX_ERR_MEMORY) record->failed = true;
    return status == MOVEX_OK;
}

static bool name_entry(movex_leak_record *record, const movex_ordered *entry)
{
    if (!grow(record, &record->entries, &record->entry_capacity, record->entry_count, 1, sizeof(leak_entry)))
        return false;
    leak_entry *named = &record->entries[record->entry_count++];
    *named = (leak_entry){.version = entry->version};
    movex_text_set(named->type, entry->type->name);
    movex_text_set(named->id, entry->id);
    movex_text_set(named->author, entry->author);
    if (!entry->replaced && !entry->unseals) movex_text_set(named->action, entry->type->actions[entry->action].name);
    return true;
}

static bool keep_commitment(movex_leak_record *record, const void *commitment)
{
    if (!grow(record, &record->commitments, &record->commitment_capacity, record->commitment_count, 1, LEAK_COMMITMENT))
        return false;
    memcpy(record->commitments[record->commitment_count++], commitment, LEAK_COMMITMENT);
    return true;
}

/* Commitments hang on what was sealed, and tell nothing of it: each is taken for another one, wherever it stands. */
static void mask_commitments(movex_leak_record *record)
{
    for (size_t at = 0; at + LEAK_COMMITMENT <= record->byte_count; at++)
        for (size_t i = 0; i < record->commitment_count; i++)
            if (memcmp(record->bytes + at, record->commitments[i], LEAK_COMMITMENT) == 0)
                memset(record->bytes + at, 0, LEAK_COMMITMENT);
}

static void ordered(void *user, movex_master *master, const movex_ordered *entry)
{
    movex_leak_record *record = user;
    record->observed = true;
    leak_resource *resource = find_resource(record, entry->type, entry->id);
    if (!resource || !name_entry(record, entry)) return;
    if (entry->commitment && !keep_commitment(record, entry->commitment)) return;
    uint64_t part = public_part(master, entry);
    resource->log = fold(resource->log, part);
    for (size_t i = 0; i < record->viewer_count; i++) {
        leak_viewer *viewer = &record->viewers[i];
        leak_event   event = {.kind = LEAK_ENTRY, .number = entry->version, .log = fold(resource->name, part)};
        if (is_subscribed(master, entry->type, entry->id, viewer->id) &&
            read_view(record, master, entry->type, entry->id, viewer->id, &event.view))
            add(record, viewer, event);
    }
}

static void bound(void *user, movex_master *master, const movex_bind_request *request)
{
    movex_leak_record *record = user;
    movex_hosted       hosted;
    record->observed = true;
    leak_resource *resource = find_resource(record, request->type, request->id);
    if (!resource || !movex_master_find(master, request->type, request->id, &hosted)) return;
    for (size_t i = 0; i < record->viewer_count; i++) {
        leak_viewer *viewer = &record->viewers[i];
        leak_event   event = {.kind = LEAK_BOUND, .number = hosted.version, .log = resource->log};
        if (strcmp(viewer->id, request->client_id) == 0 &&
            read_view(record, master, request->type, request->id, viewer->id, &event.view))
            add(record, viewer, event);
    }
}

/* ---- both runs */

static bool play(movex_leak_record *record, unsigned secret)
{
    const movex_leak_config *config = record->config;
    movex_mock_config        network = config->network;
    network.tap = tap;
    network.user = record;
    movex_mock *net = movex_mock_new(&network);
    if (!net) return false;
    record->net = net;
    const movex_leak_run run = {
        .secret = secret,
        .net = net,
        .observer = {.ordered = ordered, .bound = bound, .user = record},
        .record = record,
    };
    config->play(config->user, &run);
    movex_mock_free(net);
    if (!record->failed) mask_commitments(record);
    return !record->failed;
}

static int fail(movex_leak_report *report, int status, const char *viewer, const char *text)
{
    *report = (movex_leak_report){.verdict = MOVEX_LEAK_INCOMPARABLE};
    snprintf(report->text, sizeof report->text, "%s%s", viewer, text);
    return status;
}

static int compare(const movex_leak_record runs[2], movex_leak_report *report)
{
    if (!runs[0].observed || !runs[1].observed)
        return fail(report, MOVEX_ERR_ARGUMENT, "", "no master was given the observer, or nobody has bound anything");
    for (size_t i = 0; i < runs[0].viewer_count; i++)
        if (!runs[0].viewers[i].seen && !runs[1].viewers[i].seen)
            return fail(report, MOVEX_ERR_ARGUMENT, runs[0].viewers[i].id,
                        " has never dialled: is it the name of its emitter?");
    for (size_t i = 0; i < runs[0].viewer_count; i++) movex_leak_compare(runs, i, report);
    return MOVEX_OK;
}

int movex_leak_check(const movex_leak_config *config, movex_leak_report *report)
{
    movex_leak_record runs[2] = {0};
    movex_leak_report ignored;
    if (!report) report = &ignored;
    *report = (movex_leak_report){.verdict = MOVEX_LEAK_NONE};
    if (!config || !config->play) return fail(report, MOVEX_ERR_ARGUMENT, "", "there is nothing to play");
    if (!config->viewers || !config->viewers[0]) return fail(report, MOVEX_ERR_ARGUMENT, "", "there are no viewers");
    bool played =
        record_init(&runs[0], config) && record_init(&runs[1], config) && play(&runs[0], 0) && play(&runs[1], 1);
    int status =
        played ? compare(runs, report) : fail(report, MOVEX_ERR_MEMORY, "", movex_status_text(MOVEX_ERR_MEMORY));
    for (int i = 0; i < 2; i++)
        if (runs[i].config) record_free(&runs[i]);
    return status;
}

void movex_leak_may_show(const movex_leak_run *run)
{
    if (run) run->record->may_show = true;
}
