#include "bytes.h"

movex_found_number movex_find_number(const unsigned char *at, const unsigned char *end)
{
    const movex_found_number none = {0, 0};
    uint64_t                 value = 0;
    size_t                   most = (size_t)(end - at) < MOVEX_MAX_NUMBER ? (size_t)(end - at) : MOVEX_MAX_NUMBER;
    for (size_t i = 0; i < most; i++) {
        value |= (uint64_t)(at[i] & 0x7f) << 7 * i;
        if (at[i] >= 0x80) continue;
        /* One legal form only: no final zero byte, and no bits past the 64th. */
        if ((at[i] == 0 && i > 0) || (i == MOVEX_MAX_NUMBER - 1 && at[i] > 1)) return none;
        return (movex_found_number){value, i + 1};
    }
    return none;
}
