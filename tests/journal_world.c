#include "journal_world.h"

#include "master_keep.h"
#include "record.h"

#include <movex/text.h>

#include <string.h>

static const char *const names[JOURNAL_CLIENTS] = {"c0", "c1", "c2", "c3"};

static void see_frame(void *user, const movex_mock_frame *frame)
{
    journal_world *w = user;
    w->frames += frame->kind == MOVEX_IO_MESSAGE && strcmp(frame->from, MOVEX_MOCK_MASTER) == 0;
}

bool journal_try_open(journal_world *w)
{
    static const movex_type *const all[] = {&row_type, &hidden_type, &hidden_watched_type, NULL};
    movex_master_config            config = w->config;
    must(!w->master);
    w->error = (movex_error){.text = ""};
    w->store = movex_store_memory_open(w->disk);
    must(w->store.self);
    if (!config.types) config.types = all;
    config.store = w->store;
    config.error = &w->error;
    config.allocator = meter_allocator(&w->memory);
    w->master = movex_master_new(&config);
    if (!w->master) {
        must_equal(w->memory.blocks, 0);
        must(w->error.status != MOVEX_OK && w->error.text[0]);
        return false;
    }
    w->memory.fail_at = 0;
    movex_io io = movex_mock_listen(w->net);
    must(movex_master_attach(w->master, io) == MOVEX_OK);
    return true;
}

void journal_open(journal_world *w)
{
    must_msg(journal_try_open(w), "%s", w->error.text);
}

void journal_start(journal_world *w, const movex_type *type, const movex_master_config *config)
{
    *w = (journal_world){.type = type};
    if (config) w->config = *config;
    if (!w->config.grace_ms) w->config.grace_ms = 1000;
    w->disk = movex_store_memory_new(&(movex_store_memory_config){.seed = 3});
    w->net = movex_mock_new(&(movex_mock_config){.tap = see_frame, .user = w});
    must(w->disk && w->net);
    journal_open(w);
}

/* There was no memory for it. */
static void bind_again(journal_world *w, int i, const movex_event *event)
{
    must_equal(event->status, MOVEX_ERR_MEMORY);
    movex_unbind(w->bound[i]);
    w->bound[i] = movex_bind(w->clients[i], w->type, "main");
    must(w->bound[i]);
}

static void drain(journal_world *w)
{
    for (movex_master_event event; w->master && movex_master_next(w->master, &event);) {
        w->events[event.kind]++;
        if (event.kind == MOVEX_MASTER_STORE || event.kind == MOVEX_MASTER_REJECTED) w->status = event.status;
        if (event.kind == MOVEX_MASTER_RECOVERED && event.text[0]) movex_text_set(w->text, event.text);
    }
    for (int i = 0; i < JOURNAL_CLIENTS; i++) {
        for (movex_event event; w->clients[i] && movex_client_next(w->clients[i], &event);) {
            must(event.kind != MOVEX_EVENT_MISMATCH);
            if (event.kind == MOVEX_EVENT_UNDONE && w->undone_count < 16) w->undone[w->undone_count++] = event.ticket;
            if (event.kind == MOVEX_EVENT_BIND_REFUSED) bind_again(w, i, &event);
            w->accepted[i] += event.kind == MOVEX_EVENT_ACCEPTED;
            w->refused[i] += event.kind == MOVEX_EVENT_REFUSED;
            w->expired[i] += event.kind == MOVEX_EVENT_EXPIRED;
            if (event.kind == MOVEX_EVENT_REFUSED) w->reason[i] = event.reason;
        }
    }
}

static void give_up(journal_world *w)
{
    drain(w);
    movex_master_free(w->master);
    w->master = NULL;
    must_equal(w->memory.blocks, 0);
    must_equal(w->memory.wrong, 0);
}

void journal_stop(journal_world *w)
{
    give_up(w);
}

void journal_kill(journal_world *w)
{
    movex_store_memory_crash(w->disk);
    movex_mock_crash(w->net, MOVEX_MOCK_MASTER, 2); /* so that it sends nothing more when it is freed */
    give_up(w);
}

void journal_end(journal_world *w)
{
    for (int i = 0; i < JOURNAL_CLIENTS; i++) journal_leave(w, i);
    if (w->master) give_up(w);
    movex_store_memory_free(w->disk);
    movex_mock_free(w->net);
}

void journal_join(journal_world *w, int i)
{
    w->clients[i] = movex_client_new(&(movex_client_config){
        .id = names[i], .io = movex_mock_connect_as(w->net, names[i]), .reconnect_min_ms = 2, .reconnect_max_ms = 9,
        .undoable = w->undoable});
    must(w->clients[i]);
    w->bound[i] = movex_bind(w->clients[i], w->type, "main");
    must(w->bound[i]);
}

void journal_leave(journal_world *w, int i)
{
    movex_client_free(w->clients[i]);
    w->clients[i] = NULL;
    w->bound[i] = NULL;
}

void journal_poll_master(journal_world *w)
{
    movex_mock_poll(w->net, ++w->now_ms);
    movex_store_memory_poll(w->disk, w->now_ms);
    movex_master_poll(w->master, w->now_ms);
    drain(w);
}

void journal_run(journal_world *w, int polls)
{
    while (polls-- > 0) {
        journal_poll_master(w);
        for (int i = 0; i < JOURNAL_CLIENTS; i++)
            if (w->clients[i]) movex_client_poll(w->clients[i], w->now_ms);
        drain(w);
    }
}

bool journal_is_settled(const journal_world *w)
{
    uint64_t checksum;
    for (int i = 0; i < JOURNAL_CLIENTS; i++) {
        const movex_resource *resource = w->bound[i];
        if (!resource) continue;
        if (!movex_in_sync(resource) || movex_pending(resource)) return false;
        if (movex_master_view(w->master, w->type, "main", names[i], NULL, &checksum) != MOVEX_OK) return false;
        if (movex_checksum(resource) != checksum) return false;
    }
    return true;
}

void journal_settle(journal_world *w)
{
    for (int n = 0; n < 500; n++) {
        journal_run(w, 4);
        if (journal_is_settled(w)) break;
    }
    must(journal_is_settled(w));
    for (int i = 0; i < JOURNAL_CLIENTS; i++)
        if (w->clients[i]) must_equal(movex_client_stats(w->clients[i]).resyncs, 0);
    movex_hosted hosted;
    if (movex_master_find(w->master, w->type, "main", &hosted))
        movex_master_resource_check(movex_master_resource_named(w->master, w->type, "main"));
}

movex_ticket journal_append(journal_world *w, int i, int number)
{
    movex_ticket ticket = movex_dispatch(w->bound[i], ROW_APPEND, &(row_append){number});
    must(ticket != 0);
    return ticket;
}

movex_hosted journal_hosted(const journal_world *w)
{
    movex_hosted hosted;
    must(movex_master_find(w->master, w->type, "main", &hosted));
    return hosted;
}

const row *journal_row(const journal_world *w)
{
    return journal_hosted(w).state;
}

/* ---- files */

static movex_store_file file_of(const movex_store *store, const char *name)
{
    movex_store_file file;
    must_equal(store->ops->open(store->self, name, strlen(name), &file), MOVEX_OK);
    return file;
}

void journal_read_file(journal_world *w, const char *name, journal_bytes *file)
{
    movex_store      store = movex_store_memory_open(w->disk);
    movex_store_file number = file_of(&store, name);
    size_t           got = 1;
    file->length = 0;
    while (got > 0) {
        must_equal(store.ops->read(store.self, number, file->length, file->bytes + file->length,
                                   JOURNAL_FILE_ROOM - file->length, &got),
                   MOVEX_OK);
        file->length += got;
    }
    must(file->length < JOURNAL_FILE_ROOM);
    store.ops->destroy(store.self);
}

void journal_write_file(journal_world *w, const char *name, const journal_bytes *file)
{
    movex_store      store = movex_store_memory_open(w->disk);
    movex_store_file number = file_of(&store, name);
    uint64_t         taken;
    must_equal(store.ops->replace(store.self, number, file->bytes, file->length, &taken), MOVEX_OK);
    must_equal(store.ops->flush(store.self), MOVEX_OK);
    store.ops->destroy(store.self);
}

int journal_records(const char *name, const journal_bytes *file, size_t *starts, int room)
{
    uint64_t             seed = movex_keep_seed(name, strlen(name));
    const unsigned char *payload;
    size_t               at = 0, size;
    int                  count = 0;
    while (movex_record_read(file->bytes + at, file->length - at, true, at, seed, INT32_MAX, &payload, &size) ==
           MOVEX_RECORD_WHOLE) {
        must(count < room);
        starts[count++] = at;
        at += size + MOVEX_RECORD_FRAME;
    }
    must_equal(at, file->length);
    starts[count] = at;
    return count;
}
