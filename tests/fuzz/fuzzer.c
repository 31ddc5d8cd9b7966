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

/* ---- mutations */

typedef struct input {
    uint8_t *bytes;
    size_t   count, most; /* records */
    uint64_t random;
} input;

static uint32_t below(input *in, size_t bound)
{
    in->random = in->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((in->random >> 33) % bound);
}

static uint8_t *record(const input *in, size_t index)
{
    return in->bytes + index * fuzz_record_size;
}

/* Makes room for `run` records at `at`. */
static void open_gap(input *in, size_t at, size_t run)
{
    memmove(record(in, at + run), record(in, at), (in->count - at) * fuzz_record_size);
    in->count += run;
}

/* Records that never were: there is no way to them by small steps. */
static void add_new(input *in)
{
    size_t at = 1 + below(in, in->count), run = 1 + below(in, 8);
    if (run > in->most - in->count) return;
    open_gap(in, at, run);
    for (uint8_t *byte = record(in, at); byte < record(in, at + run); byte++) *byte = (uint8_t)below(in, 256);
}

static void repeat(input *in)
{
    uint8_t copy[256];
    size_t  from = below(in, in->count), at = below(in, in->count), run = 1 + below(in, sizeof copy / fuzz_record_size);
    if (run > in->count - from) run = in->count - from;
    if (run > in->most - in->count) return;
    memcpy(copy, record(in, from), run * fuzz_record_size);
    open_gap(in, at, run);
    memcpy(record(in, at), copy, run * fuzz_record_size);
}

static void take_out(input *in)
{
    size_t at = below(in, in->count), run = 1 + below(in, below(in, 4) ? 3 : in->count);
    if (run > in->count - at) run = in->count - at;
    if (run == in->count) return;
    memmove(record(in, at), record(in, at + run), (in->count - at - run) * fuzz_record_size);
    in->count -= run;
}

static void exchange(input *in)
{
    uint8_t *a = record(in, below(in, in->count)), *b = record(in, below(in, in->count));
    for (size_t i = 0; i < fuzz_record_size; i++) {
        uint8_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

static void change_one(input *in)
{
    uint8_t *changed = record(in, below(in, in->count));
    if (below(in, 2))
        changed[below(in, fuzz_record_size)] = (uint8_t)below(in, 256);
    else
        LLVMFuzzerMutate(changed, fuzz_record_size, fuzz_record_size);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t capacity, unsigned seed)
{
    input in = {bytes, length / fuzz_record_size, capacity / fuzz_record_size, seed};
    if (fuzz_record_size == 1 || in.count == 0 || below(&in, 8) == 0) return LLVMFuzzerMutate(bytes, length, capacity);
    for (uint32_t times = 1 + below(&in, 3); times > 0; times--) {
        switch (below(&in, 6)) {
        case 0:
        case 1: add_new(&in); break;
        case 2: repeat(&in); break;
        case 3: take_out(&in); break;
        case 4: exchange(&in); break;
        default: change_one(&in);
        }
    }
    return in.count * fuzz_record_size;
}
