#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
    abort();
}

size_t fuzz_left(const fuzz_input *input)
{
    return (size_t)(input->end - input->at);
}

uint8_t fuzz_u8(fuzz_input *input)
{
    return input->at == input->end ? 0 : *input->at++;
}

uint32_t fuzz_u32(fuzz_input *input)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) value |= (uint32_t)fuzz_u8(input) << 8 * i;
    return value;
}

uint32_t fuzz_below(fuzz_input *input, uint32_t bound)
{
    return fuzz_u8(input) % bound;
}

void *fuzz_copy(const void *bytes, size_t length)
{
    void *copy = malloc(length ? length : 1); /* malloc(0) may be NULL */
    if (!copy) abort();
    if (length) memcpy(copy, bytes, length);
    return copy;
}

uint64_t fuzz_digest(uint64_t so_far, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++) so_far = (so_far ^ at[i]) * 0x100000001b3u; /* FNV-1a */
    return so_far;
}

uint64_t fuzz_digest_number(uint64_t so_far, uint64_t number)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(number >> 8 * i);
    return fuzz_digest(so_far, bytes, sizeof bytes);
}

uint64_t fuzz_digest_text(uint64_t so_far, const char *text)
{
    return text ? fuzz_digest(so_far, text, strlen(text) + 1) : fuzz_digest_number(so_far, 0);
}

static void *take(void *user, size_t size)
{
    fuzz_memory *memory = user;
    bool         fails = memory->fails_in && --memory->fails_in == 0;
    void        *block = fails ? NULL : malloc(size);
    if (!block) return NULL;
    memset(block, 0xa5, size); /* nobody may count on zeros */
    memory->blocks++;
    memory->bytes += size;
    return block;
}

static void give_back(void *user, void *block, size_t size)
{
    fuzz_memory *memory = user;
    fuzz_require(memory->blocks > 0 && memory->bytes >= size);
    memory->blocks--;
    memory->bytes -= size;
    free(block);
}

/* Always moves, so that whoever keeps the old place is found. */
static void *take_again(void *user, void *block, size_t old_size, size_t new_size)
{
    void *moved = take(user, new_size);
    if (!moved || !block) return moved;
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    give_back(user, block, old_size);
    return moved;
}

movex_allocator fuzz_allocator(fuzz_memory *memory)
{
    return (movex_allocator){take, take_again, give_back, memory};
}
