/* A saved state: eight bytes that say what it is, the type's name, the fingerprint of the state's schema, the state's
   checksum, and its canonical encoding. */
#include "bytes.h"
#include "format.h"
#include "rules.h"

static const unsigned char magic[8] = {'M', 'O', 'V', 'E', 'X', 'S', 'T', 1}; /* the last is the format's version */

enum { OVERHEAD = sizeof magic + 1 + MOVEX_NAME_MAX + 8 + 8 };

size_t movex_rules_max_saved(const movex_rules *rules)
{
    return OVERHEAD + movex_codec_max_encoded(rules->state);
}

int movex_rules_save(const movex_rules *rules, const void *state, void *bytes, size_t capacity, size_t *length)
{
    const char  *name = rules->type->name;
    movex_writer writer = movex_writer_over(bytes, capacity);
    size_t       encoded;
    if (capacity < movex_rules_max_saved(rules)) return MOVEX_ERR_LIMIT;
    movex_write_bytes(&writer, magic, sizeof magic);
    movex_write_u8(&writer, (uint8_t)strlen(name));
    movex_write_bytes(&writer, name, strlen(name));
    movex_write_u64(&writer, movex_codec_fingerprint(rules->state));
    movex_write_u64(&writer, movex_codec_checksum(rules->state, state));
    int status = movex_codec_encode(rules->state, state, writer.at, (size_t)(writer.end - writer.at), &encoded, NULL);
    if (status != MOVEX_OK) return status;
    *length = (size_t)(writer.at - (unsigned char *)bytes) + encoded;
    return MOVEX_OK;
}

int movex_rules_load(const movex_rules *rules, void *state, const void *bytes, size_t length, movex_error *error)
{
    const char          *name = rules->type->name;
    movex_reader         reader = movex_reader_over(bytes, length);
    const unsigned char *start = movex_read_bytes(&reader, sizeof magic);
    if (!start || memcmp(start, magic, sizeof magic) != 0)
        return movex_error_set(error, MOVEX_ERR_MALFORMED,
                               "this is no saved state, or one of a format that is not known", NULL);
    size_t               name_length = movex_read_u8(&reader);
    const unsigned char *saved_name = movex_read_bytes(&reader, name_length);
    uint64_t             fingerprint = movex_read_u64(&reader), checksum = movex_read_u64(&reader);
    if (reader.failed) return movex_error_set(error, MOVEX_ERR_MALFORMED, "the saved state is truncated", NULL);
    if (name_length != strlen(name) || memcmp(saved_name, name, name_length) != 0)
        return movex_error_set(error, MOVEX_ERR_UNKNOWN_TYPE, "the saved state is not one of type ", name, NULL);
    if (fingerprint != movex_codec_fingerprint(rules->state))
        return movex_error_set(error, MOVEX_ERR_FINGERPRINT, "the state of type ", name,
                               " is described differently than when this one was saved", NULL);
    int status = movex_codec_decode(rules->state, state, reader.at, movex_reader_left(&reader), error);
    if (status != MOVEX_OK) return status;
    if (movex_codec_checksum(rules->state, state) != checksum)
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "the saved state does not have its checksum", NULL);
    return MOVEX_OK;
}
