#include "bytes.h"

uint64_t movex_read_long_number(movex_reader *reader)
{
    uint64_t             value = 0;
    const unsigned char *at = reader->at;
    for (unsigned shift = 0; shift < 70 && at < reader->end && !reader->failed; shift += 7) {
        uint8_t byte = *at++;
        /* One legal form only: no final zero byte, and no bits past the 64th. */
        if ((byte == 0 && shift > 0) || (shift == 63 && byte > 1)) break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            reader->at = at;
            return value;
        }
    }
    reader->failed = true;
    return 0;
}
