/* Writing messages to scratch and queueing them, breaking the connection, and words for what has happened. */
#include "client_internal.h"

#include "format.h"

#include <movex/text.h>

movex_writer movex_client_message(movex_client *client, size_t extra)
{
    client->scratch.length = 0;
    if (movex_buffer_reserve(&client->scratch, &client->allocator, MOVEX_MESSAGE_OVERHEAD + extra))
        return movex_writer_over(client->scratch.bytes, client->scratch.capacity);
    movex_client_break(client, false, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY));
    return (movex_writer){NULL, NULL};
}

void movex_client_send(movex_client *client, const movex_writer *writer)
{
    size_t length = (size_t)(writer->at - client->scratch.bytes);
    if (client->broken) return;
    int status = movex_channel_append(&client->channel, &client->allocator, client->scratch.bytes, length);
    if (status == MOVEX_ERR_LIMIT)
        movex_client_break(client, false, MOVEX_ERR_LIMIT, "the master does not take what is sent to it");
    else if (status != MOVEX_OK)
        movex_client_break(client, false, (movex_status)status, movex_status_text(status));
}

void movex_client_break(movex_client *client, bool for_good, movex_status status, const char *text)
{
    if (client->broken) return;
    client->broken = true;
    client->broken_for_good = for_good;
    client->failure = status;
    movex_text_set(client->text, text);
}

void movex_resource_say(movex_resource *resource, const char *first, const char *second, const char *third)
{
    const movex_allocator *allocator = &resource->client->allocator;
    if (!resource->text) resource->text = movex_allocate(allocator, MOVEX_ERROR_TEXT_SIZE);
    if (!resource->text) return;
    movex_format format = movex_format_into(resource->text, MOVEX_ERROR_TEXT_SIZE);
    movex_format_text(&format, first);
    movex_format_text(&format, second);
    movex_format_text(&format, third);
}

void movex_client_take_text(char text[MOVEX_ERROR_TEXT_SIZE], movex_wire_text from)
{
    memcpy(text, from.bytes, from.length);
    text[from.length] = '\0';
    if (movex_text_is_clean(text, from.length)) return;
    for (uint32_t i = 0; i < from.length; i++)
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] > 0x7e) text[i] = '?';
}
