/** @file system.h
 *  What needs an operating system and is therefore not the core's: a clock and entropy, for programs that have none of
 *  their own. Any thread. */
#ifndef MOVEX_SYSTEM_H
#define MOVEX_SYSTEM_H

#include <movex/export.h>

#include <stddef.h>
#include <stdint.h>

MOVEX_BEGIN_DECLARATIONS

/** Milliseconds of a clock that never runs backwards and goes on while nothing is called; its start is arbitrary. The
 *  `now_ms` of polls. */
MOVEX_API uint64_t movex_system_now_ms(void);

/** Milliseconds since 1970-01-01 UTC, as the machine believes; it may jump. For `start_time_ms` of a master. */
MOVEX_API uint64_t movex_system_unix_ms(void);

/** Fills `bytes` with `length` bytes that nobody can guess. The `entropy` hook of a configuration; `user` is ignored.
 *  MOVEX_OK or MOVEX_ERR_SYSTEM. */
MOVEX_API int movex_system_entropy(void *user, void *bytes, size_t length);

/** Gives up the processor for `duration_ms` milliseconds; a signal ends it early. */
MOVEX_API void movex_system_sleep_ms(uint32_t duration_ms);

MOVEX_END_DECLARATIONS

#endif
