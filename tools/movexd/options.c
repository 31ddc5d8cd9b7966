#include "options.h"

#include <movex/schema.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char movexd_help[] = "movexd - serves any game that comes as a shared object\n"
                           "\n"
                           "usage: movexd [OPTION]... GAME.so...\n"
                           "       movexd --relay [OPTION]...\n"
                           "\n"
                           "Each GAME.so exports its resource types through one symbol (see movex/game.h).\n"
                           "Clients connect with websockets, subprotocol movex.1, and create resources by\n"
                           "binding them. Whoever can reach an address may play under any name not in use.\n"
                           "Without --data states live in memory: they are gone when movexd stops.\n"
                           "\n"
                           "options:\n"
                           "  --listen ADDRESS    HOST:PORT, [IPV6]:PORT, or :PORT for all interfaces; port 0\n"
                           "                      lets the system choose one, which the log names. May be\n"
                           "                      given up to 16 times. Default: " MOVEXD_DEFAULT_ADDRESS "\n"
                           "  --tls-cert FILE     serve wss:// instead of ws://, with this certificate and those\n"
                           "                      in between (PEM); needs --tls-key\n"
                           "  --tls-key FILE      the certificate's private key (PEM, without a password)\n"
                           "  --http ADDRESS      answer by HTTP: GET /health, /resources, /resources/TYPE/ID, as\n"
                           "                      JSON; public states, to everybody who can reach ADDRESS. PORT\n"
                           "                      or :PORT is 127.0.0.1:PORT. Default: not at all\n"
                           "  --data DIR          keep sessions and resources in this directory, and go on with\n"
                           "                      them at the next start; made if its parent exists. It has\n"
                           "                      every secret. Default: not at all\n"
                           "  --sync WHEN         always: nobody is told of anything before the disk has it, so\n"
                           "                      nothing is ever lost. interval: at once; a crash loses what\n"
                           "                      came in the last N milliseconds. never: the system writes\n"
                           "                      when it likes; nothing is lost when movexd crashes, but in a\n"
                           "                      power cut. Default: always\n"
                           "  --sync-ms N         of --sync interval. Default: 1000\n"
                           "  --threads N         2 to 32: spread resources over N masters and connections over N\n"
                           "                      services for each address, each on a thread of its own. Default:\n"
                           "                      1, one thread for all of it\n"
                           "  --idle-seconds N    remove a resource that nobody has been subscribed to for N\n"
                           "                      seconds; 0 keeps all of them. Default: 0\n"
                           "  --grace-seconds N   keep the seat of somebody whose connection was lost for N\n"
                           "                      seconds. Default: 30\n"
                           "  --log LEVEL         error, warning, info or debug. Default: info\n"
                           "  --relay             serve no games, but forward frames between the members of\n"
                           "                      rooms: for peers that cannot reach each other. With --listen,\n"
                           "                      --tls-..., --http, --log, and those that follow:\n"
                           "  --relay-token FILE  let in who has one of the tokens in FILE, one a line. Default:\n"
                           "                      whoever can reach an address\n"
                           "  --relay-rooms N     rooms at once. Default: 1000\n"
                           "  --relay-members N   members of a room. Default: 32\n"
                           "  --relay-links N     connections to one address. Default: 1000\n"
                           "  --relay-rate N      bytes a second that a member may send; what is more waits\n"
                           "                      with it. Default: 1048576\n"
                           "  --relay-queue N     bytes that wait for a member before it is sent away as too\n"
                           "                      slow. Default: 4194304\n"
                           "  --relay-join-seconds N   how long joining a room may take. Default: 10\n"
                           "  --relay-idle-seconds N   send away who sends nothing for N seconds; 0: nobody.\n"
                           "                      Default: 0\n"
                           "  --version           print the version and exit\n"
                           "  --help              print this and exit\n"
                           "\n"
                           "The log goes to stderr, one line per event, as key=value pairs. When movexd\n"
                           "listens it says `event=listening address=...`, and when it stops it names every\n"
                           "resource with its last version and checksum. SIGINT and SIGTERM stop it.\n"
                           "\n"
                           "exit status: 0 after a clean stop, 1 if something failed (an address in use, a\n"
                           "game that cannot be loaded; the log says what), 2 for a wrong command line, 3 if\n"
                           "what DIR holds is damaged, or of another version of a game.\n"
                           "\n"
                           "example:\n"
                           "  movexd --listen 0.0.0.0:9000 --data /var/lib/movexd ./tictactoe.so\n";

static const char *const options_with_value[] = {"--listen",
                                                 "--tls-cert",
                                                 "--tls-key",
                                                 "--http",
                                                 "--data",
                                                 "--sync",
                                                 "--sync-ms",
                                                 "--idle-seconds",
                                                 "--grace-seconds",
                                                 "--log",
                                                 "--threads",
                                                 "--relay-token",
                                                 "--relay-rooms",
                                                 "--relay-members",
                                                 "--relay-links",
                                                 "--relay-rate",
                                                 "--relay-queue",
                                                 "--relay-join-seconds",
                                                 "--relay-idle-seconds"};

/* Those of a relay that are numbers. */
static const struct {
    const char *name;
    uint32_t    least, most, value; /* `value` unless it is given */
    size_t      offset;             /* in movexd_relay_options */
} relay_numbers[] = {
    {"--relay-rooms", 1, 100000, 1000, offsetof(movexd_relay_options, rooms)},
    {"--relay-members", 2, 1000, 32, offsetof(movexd_relay_options, members)},
    {"--relay-links", 1, 1000000, 1000, offsetof(movexd_relay_options, links)},
    {"--relay-rate", 1024, 1 << 30, 1 << 20, offsetof(movexd_relay_options, bytes_per_second)},
    {"--relay-queue", 131072, 1 << 30, 4 << 20, offsetof(movexd_relay_options, queue_bytes)},
    {"--relay-join-seconds", 1, 3600, 10, offsetof(movexd_relay_options, join_seconds)},
    {"--relay-idle-seconds", 0, 3600000, 0, offsetof(movexd_relay_options, idle_seconds)},
};

/* Seconds from 0 to a thousand hours, so that they fit as milliseconds. */
#define MAX_SECONDS 3600000u

#define MAX_SYNC_MS 60000u
#define DEFAULT_SYNC_MS 1000u

static movexd_command wrong(movexd_options *options, const char *what, const char *name, const char *why)
{
    snprintf(options->problem, sizeof options->problem, "%s%s%s", what, name, why);
    return MOVEXD_WRONG_USAGE;
}

static bool parse_number(const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
    if (*text < '0' || *text > '9') return false;
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || value < least || value > most) return false;
    *number = (uint32_t)value;
    return true;
}

static bool parse_sync(const char *text, movexd_sync *sync)
{
    static const char *const names[] = {"always", "interval", "never"};
    for (uint32_t i = 0; i < MOVEX_COUNT_OF(names); i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *sync = (movexd_sync)i;
        return true;
    }
    return false;
}

static movexd_command take_store_value(movexd_options *options, const char *name, const char *value)
{
    options->of_games = name;
    if (strcmp(name, "--data") == 0) {
        if (!*value) return wrong(options, name, "", " needs a directory");
        options->data = value;
    } else if (strcmp(name, "--sync") == 0) {
        if (!parse_sync(value, &options->sync))
            return wrong(options, "--sync knows always, interval and never, not '", value, "'");
        options->sync_given = true;
    } else if (!parse_number(value, 1, MAX_SYNC_MS, &options->sync_ms)) {
        return wrong(options, name, " needs a number of milliseconds from 1 to 60000, not ", value);
    }
    return MOVEXD_SERVE;
}

static uint32_t *relay_number(movexd_relay_options *relay, uint32_t index)
{
    return (uint32_t *)(void *)((char *)relay + relay_numbers[index].offset);
}

static movexd_command take_relay_value(movexd_options *options, const char *name, const char *value)
{
    options->of_relay = name;
    if (strcmp(name, "--relay-token") == 0) {
        if (!*value) return wrong(options, name, "", " needs a file");
        options->relay.token_file = value;
        return MOVEXD_SERVE;
    }
    uint32_t i = 0;
    while (strcmp(relay_numbers[i].name, name) != 0) i++;
    uint32_t least = relay_numbers[i].least, most = relay_numbers[i].most;
    if (parse_number(value, least, most, relay_number(&options->relay, i))) return MOVEXD_SERVE;
    snprintf(options->problem, sizeof options->problem, "%s needs a number from %u to %u, not %s", name,
             (unsigned)least, (unsigned)most, value);
    return MOVEXD_WRONG_USAGE;
}

static movexd_command take_value(movexd_options *options, const char *name, const char *value)
{
    if (strncmp(name, "--relay-", strlen("--relay-")) == 0) return take_relay_value(options, name, value);
    if (strcmp(name, "--listen") == 0) {
        if (!*value) return wrong(options, name, "", " needs an address");
        if (options->address_count == MOVEXD_MAX_ADDRESSES)
            return wrong(options, name, "", " is given more than 16 times");
        options->addresses[options->address_count++] = value;
    } else if (strcmp(name, "--tls-cert") == 0 || strcmp(name, "--tls-key") == 0) {
        if (!*value) return wrong(options, name, "", " needs a file");
        *(strcmp(name, "--tls-key") == 0 ? &options->key_file : &options->certificate_file) = value;
    } else if (strcmp(name, "--http") == 0) {
        if (!*value) return wrong(options, name, "", " needs an address");
        options->http = value;
    } else if (strcmp(name, "--log") == 0) {
        if (!movexd_level_parse(value, &options->log_level))
            return wrong(options, "--log knows error, warning, info and debug, not '", value, "'");
    } else if (strcmp(name, "--threads") == 0) {
        if (!parse_number(value, 1, MOVEXD_MAX_THREADS, &options->threads))
            return wrong(options, name, " needs a number of threads from 1 to 32, not ", value);
        options->of_games = name;
    } else if (strcmp(name, "--idle-seconds") == 0 || strcmp(name, "--grace-seconds") == 0) {
        uint32_t *milliseconds = strcmp(name, "--idle-seconds") == 0 ? &options->idle_ms : &options->grace_ms;
        if (!parse_number(value, 0, MAX_SECONDS, milliseconds))
            return wrong(options, name, " needs a number of seconds from 0 to 3600000, not ", value);
        *milliseconds *= 1000;
        options->of_games = name;
    } else {
        return take_store_value(options, name, value);
    }
    return MOVEXD_SERVE;
}

/* Reads the option at `*index` and moves the index past it. `value` and its name may be joined by '='. */
static movexd_command take_option(movexd_options *options, int argument_count, char **arguments, int *index)
{
    const char *argument = arguments[(*index)++];
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) return MOVEXD_SHOW_HELP;
    if (strcmp(argument, "--version") == 0) return MOVEXD_SHOW_VERSION;

    if (strcmp(argument, "--relay") == 0) {
        options->relay.on = true;
        return MOVEXD_SERVE;
    }

    size_t name_length = strcspn(argument, "=");
    for (uint32_t i = 0; i < MOVEX_COUNT_OF(options_with_value); i++) {
        const char *name = options_with_value[i];
        if (strlen(name) != name_length || strncmp(argument, name, name_length) != 0) continue;
        if (argument[name_length] == '=') return take_value(options, name, argument + name_length + 1);
        if (*index == argument_count) return wrong(options, name, "", " needs a value");
        return take_value(options, name, arguments[(*index)++]);
    }
    return wrong(options, "there is no option ", argument, "");
}

/* What cannot be given together. */
static movexd_command check(movexd_options *options)
{
    if (options->relay.on && options->game_count > 0)
        return wrong(options, "--relay serves no games: leave out ", options->games[0], "");
    if (options->relay.on && options->of_games)
        return wrong(options, options->of_games, " means nothing to --relay", "");
    if (!options->relay.on && options->of_relay) return wrong(options, options->of_relay, " needs --relay as well", "");
    if (!options->relay.on && options->game_count == 0)
        return wrong(options, "name at least one game (a shared object)", "", "");
    if (!options->certificate_file != !options->key_file)
        return wrong(options, options->key_file ? "--tls-key needs --tls-cert" : "--tls-cert needs --tls-key",
                     " as well", "");
    if (options->sync_given && !options->data) return wrong(options, "--sync needs --data as well", "", "");
    if (options->sync_ms && options->sync != MOVEXD_SYNC_INTERVAL)
        return wrong(options, "--sync-ms needs --sync interval as well", "", "");
    return MOVEXD_SERVE;
}

movexd_command movexd_options_parse(movexd_options *options, int argument_count, char **arguments)
{
    *options = (movexd_options){.grace_ms = 30000, .threads = 1, .log_level = MOVEXD_INFO};
    for (uint32_t i = 0; i < MOVEX_COUNT_OF(relay_numbers); i++)
        *relay_number(&options->relay, i) = relay_numbers[i].value;
    int games = 1; /* arguments from 1 to this are games; they are moved to the front */
    for (int i = 1; i < argument_count;) {
        if (strcmp(arguments[i], "--") == 0) {
            for (i++; i < argument_count;) arguments[games++] = arguments[i++];
        } else if (arguments[i][0] == '-') {
            movexd_command command = take_option(options, argument_count, arguments, &i);
            if (command != MOVEXD_SERVE) return command;
        } else {
            arguments[games++] = arguments[i++];
        }
    }
    options->games = arguments + 1;
    options->game_count = (uint32_t)(games - 1);
    if (check(options) == MOVEXD_WRONG_USAGE) return MOVEXD_WRONG_USAGE;
    if (!options->sync_ms) options->sync_ms = DEFAULT_SYNC_MS;
    if (options->threads > 1 && options->threads * options->address_count > MOVEXD_MAX_SERVICES)
        return wrong(options, "--threads times the number of addresses is more than 64", "", "");
    if (options->address_count == 0) options->addresses[options->address_count++] = MOVEXD_DEFAULT_ADDRESS;
    /* In the configuration of a master, 0 would mean the default. */
    if (options->grace_ms == 0) options->grace_ms = 1;
    return MOVEXD_SERVE;
}
