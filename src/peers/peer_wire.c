#include "peer_wire.h"

#include "../core/name.h"
#include "../core/wire_fields.h"

static movex_wire_text text_of(const char *text)
{
    return (movex_wire_text){text, (uint32_t)strlen(text)};
}

/* A text that can be shown and logged as it is. */
static movex_wire_text read_clean(movex_reader *reader, uint32_t least, uint32_t most)
{
    movex_wire_text text = movex_read_wire_text(reader, most);
    if (text.length < least || !movex_text_is_clean(text.bytes, text.length)) reader->failed = true;
    return text;
}

void movex_write_peer_hello(movex_writer *writer, const movex_peer_hello *hello)
{
    movex_write_u8(writer, MOVEX_PEER_HELLO);
    movex_write_number(writer, hello->protocol);
    movex_write_wire_text(writer, hello->room_name);
    movex_write_u64(writer, hello->room);
    movex_write_number(writer, hello->room_size);
    movex_write_number(writer, hello->survivor_goes_on);
    movex_write_u64(writer, hello->number);
    movex_write_wire_text(writer, hello->id);
    movex_write_wire_text(writer, hello->address);
    movex_write_wire_text(writer, hello->dialled);
    movex_write_wire_text(writer, hello->credentials);
    movex_write_number(writer, hello->max_frame);
    movex_write_number(writer, hello->known);
    for (uint32_t i = 0; i < hello->known; i++) movex_write_wire_text(writer, hello->addresses[i]);
}

bool movex_read_peer_hello(movex_reader *reader, movex_peer_hello *hello)
{
    *hello = (movex_peer_hello){.protocol = movex_read_number(reader)};
    /* Another version may go on otherwise: its receiver says so, and reads no further. */
    if (!reader->failed && hello->protocol != MOVEX_PEER_PROTOCOL_VERSION) {
        reader->at = reader->end;
        return true;
    }
    hello->room_name = read_clean(reader, 1, MOVEX_ROOM_NAME_MAX);
    hello->room = movex_read_u64(reader);
    hello->room_size = (uint32_t)movex_read_number_to(reader, MOVEX_ROOM_MAX);
    hello->survivor_goes_on = movex_read_wire_flag(reader);
    hello->number = movex_read_u64(reader);
    hello->id = read_clean(reader, 1, MOVEX_NAME_MAX);
    hello->address = read_clean(reader, 0, MOVEX_ADDRESS_MAX);
    hello->dialled = read_clean(reader, 0, MOVEX_ADDRESS_MAX);
    hello->credentials = read_clean(reader, 0, MOVEX_INFO_MAX);
    hello->max_frame = movex_read_number(reader);
    hello->known = (uint32_t)movex_read_number_to(reader, MOVEX_ROOM_MAX);
    for (uint32_t i = 0; i < hello->known; i++) hello->addresses[i] = read_clean(reader, 1, MOVEX_ADDRESS_MAX);
    return !reader->failed && hello->room_size > 0 && hello->number != 0 && hello->max_frame >= MOVEX_IO_MIN_FRAME;
}

void movex_write_peer_sorry(movex_writer *writer, movex_status status, const char *text)
{
    movex_write_u8(writer, MOVEX_PEER_SORRY);
    movex_write_number(writer, (uint64_t)(-(int)status));
    movex_write_wire_text(writer, text_of(text));
}

bool movex_read_peer_sorry(movex_reader *reader, movex_status *status, movex_wire_text *text)
{
    *status = (movex_status) - (int)movex_read_number_to(reader, 255);
    *text = read_clean(reader, 0, MOVEX_ERROR_TEXT_SIZE - 1);
    return !reader->failed;
}

void movex_write_peer_raft(movex_writer *writer, const void *message, size_t length)
{
    movex_write_u8(writer, MOVEX_PEER_RAFT);
    movex_write_wire_blob(writer, (movex_wire_bytes){message, length});
}

bool movex_read_peer_raft(movex_reader *reader, movex_wire_bytes *message)
{
    *message = movex_read_wire_blob(reader);
    return !reader->failed;
}

static bool carries(movex_peer_message_kind kind)
{
    return kind == MOVEX_PEER_UP || kind == MOVEX_PEER_DOWN;
}

void movex_write_peer_tunnel(movex_writer *writer, movex_peer_message_kind kind, const movex_peer_tunnel_message *message)
{
    movex_write_u8(writer, (uint8_t)kind);
    movex_write_number(writer, message->tunnel);
    if (carries(kind)) movex_write_wire_blob(writer, message->frame);
}

bool movex_read_peer_tunnel(movex_reader *reader, movex_peer_message_kind kind, movex_peer_tunnel_message *message)
{
    *message = (movex_peer_tunnel_message){.tunnel = movex_read_number(reader)};
    if (carries(kind)) message->frame = movex_read_wire_blob(reader);
    return !reader->failed && message->tunnel != 0 && (!carries(kind) || message->frame.length > 0);
}
