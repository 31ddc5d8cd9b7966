/* Payloads as people type them: JSON over a schema, or fields one by one. */
#ifndef MOVEX_TOOL_PAYLOAD_H
#define MOVEX_TOOL_PAYLOAD_H

#include <movex/schema.h>

#include <stdbool.h>
#include <stddef.h>

/* Reads a payload from `*text`, which is moved behind it:

       {"number": 5, "at": [1, 2]}    an object of JSON, as movex_codec_json writes it
       number=5 at=[1,2] name=carol   fields, each with a value of JSON, or a word without spaces for texts and enums

   Fields that are not named are 0. False, with what is wrong and in which field ("at[1]: ..."), if it is none.
   `payload` has room for the struct. */
bool payload_parse(const movex_schema *schema, const char **text, void *payload, char *problem, size_t problem_size);

#endif
