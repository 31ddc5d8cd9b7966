/* What the fuzz targets share. A target is one function over bytes; it runs in two ways:

     with libFuzzer (fuzzer.c), which looks for bytes that break something
     in a plain program (replay.c), which runs bytes that are stored, as a test

   What must hold is said by `fuzz_require`. */
#ifndef MOVEX_TESTS_FUZZ_H
#define MOVEX_TESTS_FUZZ_H

#include <movex/allocator.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the target, which each program has one of */

/* Runs the input and ends the program if something does not hold. Returns a digest of all that has happened, which
   is the same each time for the same input. */
uint64_t fuzz_run(const uint8_t *bytes, size_t length);

/* An input is a row of records of so many bytes, which mutations keep whole; 1: of bytes. */
extern const size_t fuzz_record_size;

/* ---- checks */

#define fuzz_require(condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) fuzz_fail(__FILE__, __LINE__, #condition);                                                   \
    } while (0)

_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* ---- input */

/* What is left to be read; at the end all is zero. */
typedef struct fuzz_input {
    const uint8_t *at, *end;
} fuzz_input;

size_t   fuzz_left(const fuzz_input *input);
uint8_t  fuzz_u8(fuzz_input *input);
uint32_t fuzz_u32(fuzz_input *input);
/* 0 to bound - 1. */
uint32_t fuzz_below(fuzz_input *input, uint32_t bound);

/* A copy in a block of exactly that size, so that reading past its end is found; `free` frees it. Never NULL. */
void *fuzz_copy(const void *bytes, size_t length);

/* ---- digests */

uint64_t fuzz_digest(uint64_t so_far, const void *bytes, size_t length);
uint64_t fuzz_digest_number(uint64_t so_far, uint64_t number);
uint64_t fuzz_digest_text(uint64_t so_far, const char *text);

/* ---- memory */

/* Blocks of malloc that are counted. */
typedef struct fuzz_memory {
    size_t   blocks, bytes; /* not given back */
    uint32_t fails_in;      /* so many allocations from now, one fails; 0: none */
} fuzz_memory;

movex_allocator fuzz_allocator(fuzz_memory *memory);

#endif
