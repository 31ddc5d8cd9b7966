/** @file websocket.h
 *  The websocket emitter, over libwebsockets: frames as binary messages of the subprotocol `movex.1`.
 *
 *  Present if the library was built with libwebsockets (meson option `websocket`); in pkg-config as the variable
 *  `websocket`. Works with any websocket peer that speaks the subprotocol, browsers included.
 *
 *  Nothing is read while events wait to be taken by recv, so what a slow program has not taken stays with the sender.
 *  Names are looked up by the system while `open` runs, which can take time; an address in numbers costs none.
 *
 *  With wss:// the server must prove to be the host of the url, by a certificate that leads to an authority that is trusted;
 *  where it cannot, the link is CLOSED, and the text says why. TLS is 1.2 or newer, by OpenSSL.
 *
 *  Signals are left as the program has them; during calls that may write to TLS, SIGPIPE is held back in the calling thread.
 *
 *  Threads: as io.h says. A ping is sent to a silent link; a link that stays silent after it is closed. */
#ifndef MOVEX_WEBSOCKET_H
#define MOVEX_WEBSOCKET_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/io.h>

/** The websocket subprotocol, which both sides must name. */
#define MOVEX_WS_PROTOCOL "movex.1"

/** Settings of a websocket emitter. Zero means the default. Copied. */
typedef struct movex_ws_config {
    const char     *url;     /**< what `open` dials when it is given no address: ws://host[:port][/path], or wss:// for TLS */
    const char     *address; /**< where to listen: host:port, [ipv6]:port or :port (all interfaces); NULL: not at all */
    const char     *certificate_file; /**< makes `address` one of wss://: its certificate and those in between, PEM; NULL: plain ws:// */
    const char     *key_file; /**< the certificate's private key, PEM, without a password; with `certificate_file`, or not at all */
    const char     *ca_file;  /**< whose certificates a wss:// server may have, PEM; NULL: those whom the system trusts */
    uint32_t        max_frame;      /**< bytes of a frame, both ways; 256 to 16 MiB; default 65,536. A longer one that comes in closes its link */
    uint32_t        queue_bytes;    /**< bytes that wait to be sent on one link before send says MOVEX_ERR_AGAIN; default 1 MiB */
    uint32_t        max_links;      /**< links at once, up to 1,000,000; further ones are turned away; default 10,000, or 64 without `address` */
    uint32_t        ping_seconds;   /**< a link silent for so long is pinged; default 20 */
    uint32_t        hangup_seconds; /**< a link silent for so long is closed; default 30 */
    uint32_t        connect_seconds; /**< how long dialling and the handshake may take; default 10 */
    bool            share_port; /**< other emitters of this user that say so too may listen on the same `address`: the system spreads
                                     connections over them (SO_REUSEPORT; MOVEX_ERR_SYSTEM where there is none) */
    /** Talk to a wss:// server whatever its certificate is: whoever sits in between can then read and change everything.
     *  For tests alone; a certificate of one's own is better trusted by naming it as `ca_file`. */
    bool            insecure_skip_verification;
    movex_allocator allocator;      /**< for what is ours; libwebsockets itself uses malloc */
} movex_ws_config;

MOVEX_BEGIN_DECLARATIONS

/** A client's emitter that dials `url`. Nothing is dialled, and nothing found wrong with the url, before `open`
 *  (MOVEX_ERR_ADDRESS, MOVEX_ERR_TLS for a file). NULL `self` if memory ran out. Owned by whoever takes it. */
MOVEX_API movex_io movex_ws_connect(const char *url);

/** An emitter that listens on `address` once a master attaches it (`listen`: MOVEX_ERR_ADDRESS, MOVEX_ERR_ADDRESS_IN_USE, or
 *  MOVEX_ERR_SYSTEM where the machine says no; MOVEX_ERR_TLS for a file), and dials the urls that `open` is given. */
MOVEX_API movex_io movex_ws_listen(const char *address);

/** Either of the two, with settings. Settings out of range are said by `open` and `listen`: MOVEX_ERR_ARGUMENT. */
MOVEX_API movex_io movex_ws_new(const movex_ws_config *config);

/** Says what is wrong with settings: MOVEX_OK, or what `open` or `listen` would return because of them (MOVEX_ERR_ARGUMENT,
 *  MOVEX_ERR_ADDRESS, MOVEX_ERR_TLS), with a text that names the member, or the file and the cause. Reads the files; opens and
 *  looks up nothing. `error` may be NULL. */
MOVEX_API int movex_ws_check(const movex_ws_config *config, movex_error *error);

/** The port on which `io`, a websocket emitter, listens: what the system chose if the address ended in ":0". 0 before it
 *  listens. */
MOVEX_API uint16_t movex_ws_port(movex_io io);

MOVEX_END_DECLARATIONS

#endif
