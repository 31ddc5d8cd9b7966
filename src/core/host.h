/* Reading and writing integers of 1, 2, 4 or 8 bytes in the host's own byte order, and the bridge to little-endian bytes.
   Memory is always read as bytes, so nothing here depends on alignment or on the members' types. */
#ifndef MOVEX_CORE_HOST_H
#define MOVEX_CORE_HOST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* True if integers in memory are already little-endian. MOVEX_PORTABLE_BYTES makes every host take the way of the others,
   so that both ways can be tested on one machine. */
static inline bool movex_host_is_little(void)
{
#if defined(MOVEX_PORTABLE_BYTES)
    return false;
#elif defined(__BYTE_ORDER__) && defined(__ORDER_LITTLE_ENDIAN__)
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
#else
    const uint16_t one = 1;
    unsigned char  first;
    memcpy(&first, &one, 1);
    return first == 1;
#endif
}

static inline uint64_t movex_load_host(const unsigned char *memory, size_t size)
{
    switch (size) {
    case 1: return memory[0];
    case 2: {
        uint16_t value;
        memcpy(&value, memory, sizeof value);
        return value;
    }
    case 4: {
        uint32_t value;
        memcpy(&value, memory, sizeof value);
        return value;
    }
    default: {
        assert(size == 8);
        uint64_t value;
        memcpy(&value, memory, sizeof value);
        return value;
    }
    }
}

static inline void movex_store_host(unsigned char *memory, size_t size, uint64_t value)
{
    switch (size) {
    case 1: memory[0] = (unsigned char)value; break;
    case 2: {
        uint16_t narrow = (uint16_t)value;
        memcpy(memory, &narrow, sizeof narrow);
        break;
    }
    case 4: {
        uint32_t narrow = (uint32_t)value;
        memcpy(memory, &narrow, sizeof narrow);
        break;
    }
    default: assert(size == 8); memcpy(memory, &value, sizeof value);
    }
}

static inline void movex_store_little(unsigned char *bytes, size_t size, uint64_t value)
{
    if (movex_host_is_little()) {
        movex_store_host(bytes, size, value);
        return;
    }
    for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)(value >> 8 * i);
}

static inline uint64_t movex_load_little(const unsigned char *bytes, size_t size)
{
    if (movex_host_is_little()) return movex_load_host(bytes, size);
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

#endif
