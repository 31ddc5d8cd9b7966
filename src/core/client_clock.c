/* The client's estimate of the master's clock. */
#include "client_internal.h"

uint64_t movex_client_master_time(const movex_client *client)
{
    if (!client || !client->clock_known) return 0;
    return client->now_ms + client->clock_low_ms + client->clock_room_ms / 2;
}

/* Each message narrows down the interval in which the offset of the two clocks lies (Cristian 1989). Where a message
   contradicts it (a clock has been set, or drifts), the message alone counts. */
void movex_client_learn_time(movex_client *client, uint64_t master_ms, uint64_t asked_ms)
{
    const uint64_t unknown = 120000; /* room enough for any round trip, and little enough to be halved without harm */
    bool           answers = asked_ms <= client->now_ms;
    uint64_t       low = master_ms - client->now_ms, room = answers ? client->now_ms - asked_ms : unknown;
    if (client->clock_known && low == client->clock_low_ms && room >= client->clock_room_ms) return; /* nothing new */
    if (client->clock_known) {
        int64_t  later = (int64_t)(low - client->clock_low_ms);
        uint64_t old_room = client->clock_room_ms;
        if (later < 0 && (uint64_t)-later <= room) {
            uint64_t cut = room - (uint64_t)-later; /* of this message's interval, from the old one's start */
            low = client->clock_low_ms;
            room = cut < old_room ? cut : old_room;
        } else if (later >= 0 && (uint64_t)later <= old_room) {
            uint64_t left = old_room - (uint64_t)later;
            room = room < left ? room : left;
        } else if (!answers && later < 0) {
            return; /* old news */
        }
    }
    client->clock_known = true;
    client->clock_low_ms = low;
    client->clock_room_ms = room;
}
