/* A target under libFuzzer, with mutations that keep its records whole. */
#include "fuzz.h"

#include <string.h>

/* libFuzzer's names. */
int    LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t capacity, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t length, size_t capacity);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    fuzz_run(bytes, length);
    return 0;
}

static uint32_t next(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Half of the time libFuzzer's own mutations, within a record or over all bytes; else a run of records is taken out, put in
   once more elsewhere, or exchanged. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t capacity, unsigned seed)
{
    const size_t size = fuzz_record_size;
    size_t       count = length / size;
    if (size == 1 || count < 2 || next(&seed) % 4 == 0) return LLVMFuzzerMutate(bytes, length, capacity);
    size_t from = next(&seed) % count, to = next(&seed) % count;
    size_t run = 1 + next(&seed) % (next(&seed) % 4 ? 4 : count);
    if (run > count - from) run = count - from;
    switch (next(&seed) % 4) {
    case 0: /* out */
        if (run == count) run--;
        memmove(bytes + from * size, bytes + (from + run) * size, length - (from + run) * size);
        return length - run * size;
    case 1: { /* in */
        uint8_t copy[64];
        if (run * size > sizeof copy) run = sizeof copy / size;
        if (length + run * size > capacity) return LLVMFuzzerMutate(bytes, length, capacity);
        memcpy(copy, bytes + from * size, run * size);
        memmove(bytes + (to + run) * size, bytes + to * size, length - to * size);
        memcpy(bytes + to * size, copy, run * size);
        return length + run * size;
    }
    case 2: /* exchanged */
        for (size_t i = 0; i < size; i++) {
            uint8_t kept = bytes[from * size + i];
            bytes[from * size + i] = bytes[to * size + i];
            bytes[to * size + i] = kept;
        }
        return length;
    default: LLVMFuzzerMutate(bytes + from * size, size, size); return length;
    }
}
