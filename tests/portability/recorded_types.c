#include "recorded_types.h"

#include "kinds_game.h"
#include "secrets_game.h"

const movex_type *const recorded_types[] = {&kinds_type,
                                            &kinds_open_type,
                                            &secrets_plain_type,
                                            &secrets_dealt_type,
                                            &secrets_redacted_type,
                                            &secrets_audience_type,
                                            NULL};
