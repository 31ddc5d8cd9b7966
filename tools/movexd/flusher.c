#define _POSIX_C_SOURCE 200809L
#include "flusher.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* How often a store that fails is tried again. */
#define RETRY_MS 1000

struct movexd_flusher {
    movex_store     store;
    uint32_t        pause_ms;
    const movex_io *emitters;
    uint32_t        emitter_count;
    pthread_t       thread;
    pthread_mutex_t lock;    /* of what follows */
    pthread_cond_t  changed; /* `hurried` or `ended` is set */
    bool            hurried, ended;
};

static struct timespec time_after(uint32_t milliseconds)
{
    struct timespec until = {0};
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(milliseconds / 1000);
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

/* Lets more come together. False once the thread is to end. */
static bool pause_and_go_on(movexd_flusher *flusher)
{
    struct timespec until = time_after(flusher->pause_ms);
    int             result = 0;
    pthread_mutex_lock(&flusher->lock);
    while (flusher->pause_ms && !flusher->hurried && !flusher->ended && result == 0)
        result = pthread_cond_timedwait(&flusher->changed, &flusher->lock, &until);
    bool goes_on = !flusher->ended;
    flusher->hurried = false;
    pthread_mutex_unlock(&flusher->lock);
    return goes_on;
}

static void wake_emitters(const movexd_flusher *flusher)
{
    for (uint32_t i = 0; i < flusher->emitter_count; i++) {
        movex_io io = flusher->emitters[i];
        if (io.ops->wake) io.ops->wake(io.self);
    }
}

/* What is left at the end is flushed by the master, when it is freed. */
static void *run(void *argument)
{
    movexd_flusher *flusher = argument;
    movex_store     store = flusher->store;
    for (;;) {
        bool due = store.ops->wait(store.self, RETRY_MS) == MOVEX_OK || store.ops->status(store.self, NULL) != MOVEX_OK;
        pthread_mutex_lock(&flusher->lock);
        bool ended = flusher->ended;
        pthread_mutex_unlock(&flusher->lock);
        if (ended || (due && !pause_and_go_on(flusher))) return NULL;
        if (!due) continue;
        store.ops->flush(store.self); /* how it went, the master asks by itself */
        wake_emitters(flusher);
    }
}

static bool make_lock(movexd_flusher *flusher)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) return false;
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&flusher->changed, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return made && pthread_mutex_init(&flusher->lock, NULL) == 0;
}

/* Signals are for the thread that serves: they end its sleep. */
static bool start_thread(movexd_flusher *flusher)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&flusher->thread, NULL, run, flusher) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

movexd_flusher *movexd_flusher_new(movex_store store, uint32_t pause_ms, const movex_io *emitters, uint32_t count)
{
    movexd_flusher *flusher = malloc(sizeof *flusher);
    if (!flusher) return NULL;
    *flusher = (movexd_flusher){.store = store, .pause_ms = pause_ms, .emitters = emitters, .emitter_count = count};
    if (make_lock(flusher) && start_thread(flusher)) return flusher;
    free(flusher);
    return NULL;
}

void movexd_flusher_hurry(movexd_flusher *flusher)
{
    pthread_mutex_lock(&flusher->lock);
    flusher->hurried = true;
    pthread_mutex_unlock(&flusher->lock);
    pthread_cond_signal(&flusher->changed);
}

void movexd_flusher_free(movexd_flusher *flusher)
{
    if (!flusher) return;
    pthread_mutex_lock(&flusher->lock);
    flusher->ended = true;
    pthread_mutex_unlock(&flusher->lock);
    pthread_cond_signal(&flusher->changed);
    flusher->store.ops->wake(flusher->store.self);
    pthread_join(flusher->thread, NULL);
    pthread_mutex_destroy(&flusher->lock);
    pthread_cond_destroy(&flusher->changed);
    free(flusher);
}
