/** @file faulty.h
 *  An emitter around another one (websocket, local, your own), which delays, loses and breaks what passes, as bad networks do.
 *  See docs/testing.md.
 *
 *  What it does is drawn from a seed or done by hand, as by the mock (mock.h says what each fault means). Here the ends
 *  are "this side" (the owner of the emitter) and "the other side". Clocks do not jump: the program has them in its
 *  hand.
 *
 *  Time is what movex_faulty_poll says, virtual or real; without it no time passes, and what is delayed waits. The same
 *  seed and the same calls do the same as far as the inner emitter does.
 *
 *  Who owns what: it owns the inner emitter. A master or client that takes it owns it; the handle can be used for the
 *  functions below until then, and until that owner is freed.
 *
 *  Threads: as the inner emitter. */
#ifndef MOVEX_FAULTY_H
#define MOVEX_FAULTY_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/io.h>
#include <movex/mock.h>

/** Settings of a faulty emitter. Zero means the default. Copied. */
typedef struct movex_faulty_config {
    uint64_t          seed;           /**< where everything random comes from */
    movex_mock_range  latency_ms;     /**< added to each frame in each direction; default 0 */
    movex_mock_faults faults;         /**< chances, of frames in both directions; `jump_per_mille` has no meaning */
    uint32_t          again_per_mille; /**< chance that `send` says MOVEX_ERR_AGAIN though there is room */
    uint32_t          queue_bytes;    /**< delayed in one direction of one link, before send says MOVEX_ERR_AGAIN, or nothing is
                                           taken from the inner emitter; default 1 MiB; one frame always has room */
    movex_allocator   allocator;      /**< for the emitter, but not for the inner one */
} movex_faulty_config;

/** What a faulty emitter has done. */
typedef struct movex_faulty_stats {
    uint64_t failed_dials;     /**< made to fail */
    uint64_t cuts;             /**< links cut, by chance and by hand, half-open ones that were found out included */
    uint64_t lingering;        /**< of them, those whose other side was told late */
    uint64_t half_open;        /**< directions that have died alone */
    uint64_t stalls;           /**< of this side's reading */
    uint64_t refused;          /**< frames for which `send` said MOVEX_ERR_AGAIN by chance */
    uint64_t frames_passed;    /**< in both directions */
    uint64_t frames_lost;      /**< in both directions */
    uint64_t frames_corrupted; /**< of those passed */
} movex_faulty_stats;

MOVEX_BEGIN_DECLARATIONS

/** Wraps an emitter, which it owns from now on, also on failure. `config` may be NULL: it does nothing until told. NULL
 *  `self` if `inner` could not be made, its table is not complete, or memory ran out. */
MOVEX_API movex_io movex_faulty(movex_io inner, const movex_faulty_config *config);

/** Time is now `now_ms` (an earlier one than before counts as the same): what is due goes out, and what has come can be
 *  received. */
MOVEX_API void movex_faulty_poll(movex_io faulty, uint64_t now_ms);

/** When something that is delayed will be due; UINT64_MAX for never. */
MOVEX_API uint64_t movex_faulty_deadline(movex_io faulty);

/** Figures so far. */
MOVEX_API movex_faulty_stats movex_faulty_statistics(movex_io faulty);

/** Changes the latency from now on. */
MOVEX_API void movex_faulty_set_latency(movex_io faulty, movex_mock_range latency_ms);

/** Changes the chances from now on; NULL: all are 0, that of MOVEX_ERR_AGAIN included. */
MOVEX_API void movex_faulty_set_faults(movex_io faulty, const movex_mock_faults *faults);

/** Cuts all links; how many there were. */
MOVEX_API uint32_t movex_faulty_cut(movex_io faulty);

/** Cuts all links for this side; the other side is told `late_ms` later, and takes late what was sent. How many there
 *  were. */
MOVEX_API uint32_t movex_faulty_cut_lingering(movex_io faulty, uint32_t late_ms);

/** From now on nothing arrives at this side over the links that are open. How many there were. */
MOVEX_API uint32_t movex_faulty_deafen(movex_io faulty);

/** From now on nothing that this side sends arrives over the links that are open. How many there were. */
MOVEX_API uint32_t movex_faulty_mute(movex_io faulty);

/** While true, this side takes nothing from the inner emitter. */
MOVEX_API void movex_faulty_stall(movex_io faulty, bool stalled);

/** Corrupts the next `frames` frames, in either direction. */
MOVEX_API void movex_faulty_corrupt(movex_io faulty, uint32_t frames);

/** While true, dialling fails. */
MOVEX_API void movex_faulty_refuse(movex_io faulty, bool refuses);

MOVEX_END_DECLARATIONS

#endif
