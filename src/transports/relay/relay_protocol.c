#include "relay_protocol.h"

#include <string.h>

/* ---- reading; once something does not fit, `failed` says so, and what is read is zero */

typedef struct cursor {
    const unsigned char *at, *end; /* at <= end */
    bool                 failed;
} cursor;

static uint64_t take_number(cursor *in, size_t size)
{
    uint64_t value = 0;
    if ((size_t)(in->end - in->at) < size) in->failed = true;
    for (size_t i = 0; !in->failed && i < size; i++) value |= (uint64_t)in->at[i] << 8 * i;
    if (!in->failed) in->at += size;
    return value;
}

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

/* Into an array of `most` + 1 bytes. */
static void take_text(cursor *in, size_t least, size_t most, char *text)
{
    size_t length = (size_t)take_number(in, 1);
    if (length < least || length > most || (size_t)(in->end - in->at) < length) in->failed = true;
    for (size_t i = 0; !in->failed && i < length; i++) in->failed = is_control(in->at[i]);
    memset(text, 0, most + 1);
    if (in->failed) return;
    memcpy(text, in->at, length);
    in->at += length;
}

static void take_join(cursor *in, movex_relay_message *message)
{
    message->version = (uint8_t)take_number(in, 1);
    if (message->version != MOVEX_RELAY_VERSION) {
        in->at = in->end;
        return;
    }
    message->key = take_number(in, 8);
    take_text(in, 1, MOVEX_RELAY_ROOM_MAX, message->room);
    take_text(in, 0, MOVEX_RELAY_TOKEN_MAX, message->token);
    take_text(in, 1, MOVEX_RELAY_NAME_MAX, message->name);
}

/* Of a member, or of bytes: none is 0. */
static uint32_t take_positive(cursor *in)
{
    uint32_t value = (uint32_t)take_number(in, 4);
    if (value == 0) in->failed = true;
    return value;
}

static void take_data(cursor *in, movex_relay_message *message)
{
    message->data = in->at;
    message->length = (size_t)(in->end - in->at);
    if (message->length == 0) in->failed = true;
    in->at = in->end;
}

bool movex_relay_read(const void *frame, size_t length, movex_relay_message *message)
{
    const unsigned char *bytes = frame;
    cursor               in = {.at = bytes, .end = bytes + length};
    uint64_t             kind = take_number(&in, 1);
    message->kind = (movex_relay_kind)kind;
    switch (kind) {
    case MOVEX_RELAY_JOIN: take_join(&in, message); break;
    case MOVEX_RELAY_JOINED:
        message->number = take_positive(&in);
        message->key = take_number(&in, 8);
        message->bytes = take_positive(&in);
        break;
    case MOVEX_RELAY_REFUSED:
        message->reason = (uint8_t)take_number(&in, 1);
        if (message->reason == 0) in.failed = true;
        break;
    case MOVEX_RELAY_PEER:
        message->number = take_positive(&in);
        take_text(&in, 1, MOVEX_RELAY_NAME_MAX, message->name);
        break;
    case MOVEX_RELAY_CREDIT: message->bytes = take_positive(&in); break;
    case MOVEX_RELAY_DATA:
        message->number = take_positive(&in);
        take_data(&in, message);
        break;
    case MOVEX_RELAY_GONE:
    case MOVEX_RELAY_OPEN:
    case MOVEX_RELAY_CLOSE: message->number = take_positive(&in); break;
    default: return false;
    }
    return !in.failed && in.at == in.end;
}

/* ---- writing */

static unsigned char *put_number(unsigned char *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) *at++ = (unsigned char)(value >> 8 * i);
    return at;
}

static unsigned char *put_text(unsigned char *at, const char *text)
{
    size_t length = strlen(text);
    at = put_number(at, length, 1);
    memcpy(at, text, length);
    return at + length;
}

size_t movex_relay_write(const movex_relay_message *message, unsigned char *frame)
{
    unsigned char *at = put_number(frame, message->kind, 1);
    switch (message->kind) {
    case MOVEX_RELAY_JOIN:
        at = put_number(at, message->version, 1);
        at = put_number(at, message->key, 8);
        at = put_text(put_text(put_text(at, message->room), message->token), message->name);
        break;
    case MOVEX_RELAY_JOINED:
        at = put_number(at, message->number, 4);
        at = put_number(at, message->key, 8);
        at = put_number(at, message->bytes, 4);
        break;
    case MOVEX_RELAY_REFUSED: at = put_number(at, message->reason, 1); break;
    case MOVEX_RELAY_PEER: at = put_text(put_number(at, message->number, 4), message->name); break;
    case MOVEX_RELAY_CREDIT: at = put_number(at, message->bytes, 4); break;
    case MOVEX_RELAY_GONE:
    case MOVEX_RELAY_DATA:
    case MOVEX_RELAY_OPEN:
    case MOVEX_RELAY_CLOSE: at = put_number(at, message->number, 4); break;
    }
    return (size_t)(at - frame);
}

void movex_relay_write_header(unsigned char *frame, movex_relay_kind kind, uint32_t number)
{
    put_number(put_number(frame, kind, 1), number, 4);
}

/* ---- texts */

const char *movex_relay_reason_text(unsigned reason)
{
    switch (reason) {
#define MOVEX_RELAY_REASON_CASE(name, value, text)                                                                     \
    case value: return text;
        MOVEX_RELAY_REASON_LIST(MOVEX_RELAY_REASON_CASE)
#undef MOVEX_RELAY_REASON_CASE
    default: return "for a reason that this version does not know";
    }
}

bool movex_relay_text_is_sound(const char *text, size_t least, size_t most)
{
    size_t length = text ? strlen(text) : 0;
    if (length < least || length > most) return false;
    for (size_t i = 0; i < length; i++)
        if (is_control((unsigned char)text[i])) return false;
    return true;
}
