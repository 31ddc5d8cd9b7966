#include <movex/status.h>

const char *movex_version_text(void)
{
    return MOVEX_VERSION;
}

const char *movex_status_text(int status)
{
    switch (status) {
#define MOVEX_CASE(name, value, text)                                                                                  \
    case value: return text;
        MOVEX_STATUS_LIST(MOVEX_CASE)
#undef MOVEX_CASE
    }
    return "unknown status";
}

const char *movex_status_name(int status)
{
    switch (status) {
#define MOVEX_CASE(name, value, text)                                                                                  \
    case value: return "MOVEX_" #name;
        MOVEX_STATUS_LIST(MOVEX_CASE)
#undef MOVEX_CASE
    }
    return "unknown status";
}

bool movex_status_is_temporary(int status)
{
    return status == MOVEX_ERR_AGAIN || status == MOVEX_ERR_CLOSED || status == MOVEX_ERR_TIMEOUT ||
           status == MOVEX_ERR_MEMORY || status == MOVEX_ERR_LIMIT || status == MOVEX_ERR_SYSTEM ||
           status == MOVEX_ERR_ID_IN_USE || status == MOVEX_ERR_STORE;
}

const char *movex_refusal_text(int reason)
{
    switch (reason) {
#define MOVEX_CASE(name, value, text)                                                                                  \
    case value: return text;
        MOVEX_REFUSAL_LIST(MOVEX_CASE)
#undef MOVEX_CASE
    }
    return reason > 0 ? "refused for a reason of the game's own" : "unknown reason";
}
