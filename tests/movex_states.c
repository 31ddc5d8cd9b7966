/* Saves two states of a chat room, for movex to compare.
   usage: movex_states FILE FILE */
#include "../examples/chat/room.h"

#include <movex/text.h>

#include <stdio.h>
#include <stdlib.h>

static bool save(const movex_rules *rules, const room *state, const char *path)
{
    size_t         room_for = movex_rules_max_saved(rules), length = 0;
    unsigned char *bytes = malloc(room_for);
    FILE          *file = fopen(path, "wb");
    bool           saved = bytes && file && movex_rules_save(rules, state, bytes, room_for, &length) == MOVEX_OK &&
                 fwrite(bytes, 1, length, file) == length;
    if (file) saved = fclose(file) == 0 && saved;
    free(bytes);
    return saved;
}

int main(int count, char **words)
{
    static room  state;
    movex_rules *rules = movex_rules_new(&room_type, NULL, NULL);
    if (count != 3 || !rules) return EXIT_FAILURE;
    state.count = state.present = 1;
    movex_text_set(state.messages[0].text, "here");
    bool saved = save(rules, &state, words[1]);
    state.present = 2;
    movex_text_set(state.messages[0].text, "there");
    saved = save(rules, &state, words[2]) && saved;
    movex_rules_free(rules);
    return saved ? EXIT_SUCCESS : EXIT_FAILURE;
}
