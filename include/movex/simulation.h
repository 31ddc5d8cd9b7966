/** @file simulation.h
 *  A game's own test in a few lines: many matches over a bad network, in virtual time, each from a seed; and if one goes wrong,
 *  the fewest steps by which it does. See docs/testing.md.
 *
 *      movex_simulation_report report;
 *      if (!movex_simulate(&(movex_simulation_config){.type = &rps_type, .act = my_bot,
 *                                                     .faults = {.cut_per_mille = 50}}, &report))
 *          puts(report.text);
 *      movex_simulation_report_free(&report);
 *
 *  One match has a master, some clients that have bound the same resource, and a mock network between them. Its
 *  schedule is a list of steps, drawn from the seed: at some time a player acts, or something goes wrong. When all
 *  steps are done the network is calm again, and then must hold:
 *  - all come to rest: in sync, nothing pending, the same version;
 *  - each client's checksum is that of the master for its view;
 *  - no mismatch, no resync, no protocol error, and no client has given up;
 *  - every dispatch had one outcome, but for those of clients that have crashed;
 *  - nothing that a client was told is lost in a crash of the master;
 *  - every action, run twice from different memory, did the same (determinism.h);
 *  - the game's own `check` has nothing to say, at any time.
 *
 *  Threads: a simulation runs within its call, on the thread of its caller. */
#ifndef MOVEX_SIMULATION_H
#define MOVEX_SIMULATION_H

#include <movex/allocator.h>
#include <movex/client.h>
#include <movex/export.h>
#include <movex/mock.h>

/** What a step does. */
typedef enum movex_simulation_kind {
    MOVEX_SIMULATION_ACT = 1, /**< the player acts; `value` is where its choices come from */
    MOVEX_SIMULATION_CUT,     /**< the player's connection is cut */
    MOVEX_SIMULATION_LINGER,  /**< the same, and the master learns of it `ms` later */
    MOVEX_SIMULATION_DEAFEN,  /**< nothing arrives at the player any more; found out `ms` later */
    MOVEX_SIMULATION_MUTE,    /**< nothing of what the player sends arrives; found out `ms` later */
    MOVEX_SIMULATION_STALL,   /**< the player takes nothing for `ms` */
    MOVEX_SIMULATION_JUMP,    /**< the player's clock jumps ahead by `ms`; the master's if there is no such player */
    MOVEX_SIMULATION_CRASH    /**< the player's process dies, and one with the same id starts `ms` later; the master's if there is no
                                   such player: what its store had not made durable is lost, its last write torn */
} movex_simulation_kind;

/** One step of a schedule. */
typedef struct movex_simulation_step {
    uint64_t              at_ms;  /**< virtual time */
    movex_simulation_kind kind;   /**< which says what the others mean */
    uint32_t              player; /**< counted from 0 */
    uint32_t              ms;     /**< how long, or how far */
    uint64_t              value;  /**< ACT: a seed */
} movex_simulation_step;

/** Who acts. Lent for the call of `act`. */
typedef struct movex_simulation_player {
    uint32_t        index;    /**< counted from 0; its id is "player1" for 0, and so on */
    movex_client   *client;   /**< whose */
    movex_resource *resource; /**< what it plays; still the type's `init` if its first state has not come */
    uint64_t        now_ms;   /**< its clock */
    uint64_t        random;   /**< for movex_simulation_draw */
    void           *user;     /**< movex_simulation_config.user */
} movex_simulation_player;

/** What is to be simulated. Zero means the default. Lent for the call. */
typedef struct movex_simulation_config {
    const movex_type *type;       /**< required */
    uint32_t          players;    /**< at most 64; default 2 */
    uint32_t          seeds;      /**< matches; default 100 */
    uint64_t          first_seed; /**< of the first; the others follow; default 1 */
    uint32_t          play_ms;    /**< of virtual time, in which steps are taken; default 5,000 */
    uint32_t          act_ms;     /**< between two turns of a player, on average; default 50 */
    uint32_t          rest_ms;    /**< within which all must come to rest after that; default 120,000 */

    /** Required: plays for a player: looks at the state, dispatches or does not. It draws by movex_simulation_draw alone, so that
     *  one step means the same whatever came before. */
    void (*act)(movex_simulation_player *player);
    /** Optional: looks at the state that a player sees, each time that it has changed: NULL, or what is wrong with it. */
    const char *(*check)(void *user, const void *state);
    void *user; /**< handed to them as it is */

    movex_mock_range  latency_ms;  /**< default 1 to 100 */
    uint32_t          max_frame;   /**< of the network; default 65,536 */
    uint32_t          queue_bytes; /**< of the network; default 1 MiB */
    movex_mock_faults faults; /**< chances for each turn of a player; half-open goes either way, a jump hits the master every other
                                   time; dial failures are for each dial; corruption is left out, as nothing is promised then */
    uint32_t          player_crash_per_mille; /**< chance for each turn of a player that it crashes; default 0 */
    uint32_t          master_crash_per_mille; /**< the same of the master, which is kept in a memory store then; default 0: it is kept
                                                   nowhere */
    movex_mock_range  crash_ms;  /**< until one that has crashed starts again; default 0 to 2,000 */
    uint32_t          flush_ms;  /**< that the store takes to make something durable; default 0 */
    uint32_t          grace_ms;  /**< of the master: how long a session outlives its connection; default 30,000. A player that has
                                      crashed is let in again after that */
    uint32_t          shrink_runs; /**< matches that may be played to find the fewest steps; default 2,000 */
    bool              skips_determinism; /**< do not run actions twice */
    movex_allocator   allocator; /**< for everything */
} movex_simulation_config;

/** What came of it. Owned by the caller (movex_simulation_report_free). */
typedef struct movex_simulation_report {
    uint64_t runs;      /**< matches played, without those of shrinking; up to the one that failed */
    uint64_t actions;   /**< dispatched in them */
    uint64_t accepted;  /**< of these */
    uint64_t cuts;      /**< connections cut in them, lingering and half-open ones that were found out included */
    uint64_t lingering; /**< of these */
    uint64_t half_open; /**< directions that died alone */
    uint64_t stalls;    /**< players stalled */
    uint64_t jumps;     /**< of clocks */
    uint64_t crashes;   /**< of players and masters */
    uint64_t restarts;  /**< of these, of masters */

    bool                   failed;     /**< then the following say how */
    uint64_t               seed;       /**< of the first match that failed */
    char                   text[2 * MOVEX_ERROR_TEXT_SIZE]; /**< what failed, and by how many steps; never NULL */
    uint32_t               drawn;      /**< steps of that match */
    uint32_t               step_count; /**< fewest steps that were found to fail in the same way */
    movex_simulation_step *steps;      /**< which */
    uint32_t               shrink_runs; /**< matches played to find them */
    movex_allocator        allocator;  /**< of `steps` */
} movex_simulation_report;

MOVEX_BEGIN_DECLARATIONS

/** Plays matches until all are played or one has failed; then looks for the fewest steps. True if none failed. False,
 *  with report.text, if one did, or if the configuration is wrong or memory ran out (then report.failed is false). */
MOVEX_API bool movex_simulate(const movex_simulation_config *config, movex_simulation_report *report);

/** Plays the steps of a report once more, with the same configuration, and tells each thing that happens as one line:
 *  steps, frames (who to whom, how long, when it will arrive), events of clients, and what failed. True if it failed
 *  again. */
MOVEX_API bool movex_simulation_replay(const movex_simulation_config *config, const movex_simulation_report *report,
                                       void (*line)(void *user, const char *text), void *user);

/** A choice of a player: 0 to `bound` - 1; 0 if bound is 0. */
MOVEX_API uint32_t movex_simulation_draw(movex_simulation_player *player, uint32_t bound);

/** Frees what a report holds. */
MOVEX_API void movex_simulation_report_free(movex_simulation_report *report);

MOVEX_END_DECLARATIONS

#endif
