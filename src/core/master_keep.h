/* What happens on a master is written to its store, if it has one. */
#ifndef MOVEX_CORE_MASTER_KEEP_H
#define MOVEX_CORE_MASTER_KEEP_H

#include "master_internal.h"

/* True if the master has a store. */
bool movex_keep_is_used(const movex_master *master);
/* Makes sure that so many changes can be written, with `more` bytes of payloads and states. False if they cannot be kept:
   the store has failed or is full, or there is no memory. Without a store always true. */
bool movex_keep_reserve(movex_master *master, uint32_t changes, size_t more);
/* The same for all that ending a session changes. */
bool movex_keep_reserve_end(movex_master *master, const movex_session *session);
/* True while so much waits to be flushed by another thread that nothing more should be taken in. */
bool movex_keep_is_behind(movex_master *master);
/* Each of these writes one change, for which there is room. */
void movex_keep_entry(movex_master *master, movex_master_resource *resource, const movex_telling *telling);
void movex_keep_step(movex_master *master, movex_master_resource *resource, const char *author,
                     const movex_sealed_step_message *step);
void movex_keep_subscription(movex_master *master, const movex_subscription *subscription);
void movex_keep_unsubscription(movex_master *master, const movex_subscription *subscription);
void movex_keep_session(movex_master *master, const movex_session *session);
/* `kept`: for its token alone. */
void movex_keep_session_end(movex_master *master, const movex_session *session, bool kept);
/* The state was replaced. */
void movex_keep_state(movex_master *master, movex_master_resource *resource);
void movex_keep_removal(movex_master *master, movex_master_resource *resource);
/* Begins a resource's file: MOVEX_OK, MOVEX_ERR_STORE, MOVEX_ERR_MEMORY or MOVEX_ERR_LIMIT. */
int  movex_keep_resource(movex_master *master, movex_master_resource *resource);
/* Begins it anew with all that there is of it now. False, and nothing has changed, if the store does not take it. */
bool movex_keep_snapshot(movex_master *master, movex_master_resource *resource);
/* The same for the sessions' file. */
bool movex_keep_sessions(movex_master *master);
int  movex_keep_open_sessions(movex_master *master);
bool movex_keep_is_sessions(const void *name, size_t length);
/* The name of a resource's file; its length. */
size_t movex_keep_name(const char *type, const char *id, unsigned char name[MOVEX_STORE_NAME_MAX]);
/* The seed of the records of a file of that name. */
uint64_t movex_keep_seed(const void *name, size_t length);
/* The end of a poll: begins anew what has grown too long, and flushes if it is time. */
void movex_keep_sync(movex_master *master);
/* When that will be, in given time, even if nothing arrives; UINT64_MAX: never. */
uint64_t movex_keep_due_ms(const movex_master *master);
/* While the store fails: the given time before which what waits for it need not be tried; else 0. */
uint64_t movex_keep_retry_ms(const movex_master *master);
/* The number of the last change that must be durable before somebody is told of what has happened so far; 0: none must. */
uint64_t movex_keep_taken(const movex_master *master);
/* True if it is durable. */
bool movex_keep_has(const movex_master *master, uint64_t number);

#endif
