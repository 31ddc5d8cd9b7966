#include "bytes.h"

uint64_t movex_read_long_number(movex_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = movex_read_u8(reader);
        if (reader->failed) return 0;
        /* One legal form only: no final zero byte, and no bits past the 64th. */
        if ((byte == 0 && shift > 0) || (shift == 63 && byte > 1)) break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    reader->failed = true;
    return 0;
}
