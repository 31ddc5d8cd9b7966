/* The websocket emitter from within. Who knows what:
     websocket.c         the emitter's life and its MovexIO functions
     websocket_event.c   link numbers, and the queue of what recv has to report
     websocket_link.c    one link: frames put together, frames that wait, silence, the end
     websocket_lws.c     the only place that libwebsockets calls back
     websocket_epoll.c   which sockets are looked at, and sleeping until one is ready
     websocket_poll.c    the same where there is no epoll
     websocket_listen.c  the listening socket
     websocket_tls.c     certificates, and whom to trust
     websocket_url.c     urls and addresses as text

   libwebsockets is driven from recv and wait alone, and only while no event waits to be taken. So what one link may have
   received and not yet handed on is bounded by one read (and one frame), and what it does not read stays with the sender. */
#ifndef MOVEX_WEBSOCKET_INTERNAL_H
#define MOVEX_WEBSOCKET_INTERNAL_H

#include <movex/allocator.h>
#include <movex/io.h>
#include <movex/status.h>
#include <movex/websocket.h>

#include <libwebsockets.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOVEX_WS_MAX_LINKS 1000000   /* a link number has 20 bits for the slot */
#define MOVEX_WS_TEXT_SIZE 192       /* bytes of an event's text, the final zero included */
#define MOVEX_WS_HOST_SIZE 256       /* bytes of a host name, the final zero included */
#define MOVEX_WS_ADDRESS_SIZE 64     /* bytes of an address in numbers, its port and the final zero included */
#define MOVEX_WS_SMALL_BUFFER 4096   /* bytes; a link's buffer that has grown beyond is given back once it is empty */
#define MOVEX_WS_CLOSE_TEXT_SIZE 123 /* bytes of text that a close frame carries at most (RFC 6455, 5.5) */

/* Bytes that wait, first in, first out: start <= end <= capacity. */
typedef struct movex_ws_bytes {
    unsigned char *data; /* NULL if capacity is 0 */
    size_t         start, end, capacity;
} movex_ws_bytes;

typedef struct movex_ws movex_ws;

typedef enum movex_ws_state {
    MOVEX_WS_DIALLING = 1, /* ours, on its way; OPENED or CLOSED will be reported */
    MOVEX_WS_OPEN,         /* OPENED is reported or waits to be */
    MOVEX_WS_ENDING        /* closed by the program: sends what it holds, then a close frame; reports nothing more */
} movex_ws_state;

/* What a link that dials wss:// knows besides. */
typedef struct movex_ws_tls {
    char host[MOVEX_WS_HOST_SIZE]; /* whose certificate the server must have */
    char text[MOVEX_WS_TEXT_SIZE]; /* why the handshake failed; empty: unknown, or it has not */
    bool prepared;                 /* the session knows the host */
    bool verified;                 /* the server's certificate is its own, and trusted or excused */
} movex_ws_tls;

/* One connection, for as long as its wsi lives and is of interest. */
typedef struct movex_ws_link {
    movex_ws             *ws;
    struct lws           *wsi;            /* NULL only inside movex_ws_open */
    struct movex_ws_link *previous, *next; /* in movex_ws.links, or in movex_ws.partial while a frame has come in part */
    movex_link            number;         /* means nothing any more once the state is ENDING */
    movex_ws_state        state;
    bool                  pinged;   /* since it was last heard of */
    bool                  ping_due; /* a ping waits for the next chance to write */
    bool                  full;     /* send has said MOVEX_ERR_AGAIN */
    bool                  waits_to_write; /* its socket is watched for room as well */
    lws_usec_t            since;    /* OPEN: when it was last heard of; else: when the state began */
    movex_ws_bytes        incoming; /* the parts of a frame that has not come whole */
    movex_ws_tls         *tls;      /* NULL unless it dials wss:// */
    movex_ws_bytes        outgoing; /* frames that wait for the socket: LWS_PRE bytes that begin with the length, the frame */
} movex_ws_link;

/* What a link number leads to. A slot is free once the program knows that its link is gone. */
typedef struct movex_ws_slot {
    movex_ws_link *link;     /* NULL: free, or lost */
    movex_link     number;   /* the present or last one; 0: never used */
    uint32_t       next_free; /* index of the next free slot, or UINT32_MAX */
    bool           used;
    bool           unreported; /* lost, and no memory to say so: recv finds it by searching */
} movex_ws_slot;

/* A url or a listening address taken apart. */
typedef struct movex_ws_url {
    char     host[MOVEX_WS_HOST_SIZE]; /* without brackets; empty: all interfaces */
    char     authority[MOVEX_WS_HOST_SIZE + 8]; /* host:port as a Host header has it */
    uint16_t port;
    bool     tls; /* wss:// */
    const char *path; /* points into the text that was parsed, or at "/" */
} movex_ws_url;

struct movex_ws {
    movex_io_ops        ops; /* its own copy, as max_frame is a setting */
    movex_ws_config     config; /* defaults filled in; its texts are owned */
    int                 config_status;          /* MOVEX_OK, or what is wrong with the settings */
    struct lws_context *context;
    struct lws_vhost   *dialler, *tls_dialler, *server; /* the latter two: NULL until needed */
    SSL_CTX            *client_tls, *server_tls;        /* NULL until needed */
    bool                uses_tls;                       /* one of the two is there */
    movex_ws_link      *dialling;                       /* the link that movex_ws_dial is about, inside it */
    struct lws         *listener;         /* the listening socket, as libwebsockets watches it */
    struct lws_protocols dial_protocols[3], tls_dial_protocols[3], serve_protocols[3];
    uint16_t            port;    /* of the listening socket; 0: none */
    uint32_t            sockets; /* connections that came in and still exist, links or not */
    bool                listener_paused;

    movex_ws_slot *slots;
    uint32_t       slot_count, slots_used, first_free, last_free; /* free slots are reused oldest first */
    uint32_t       unreported;                                    /* slots marked so */
    movex_ws_link *links, *partial; /* every link is in one of these lists */

    movex_ws_bytes events; /* records of movex_ws_record and its data, each padded to its alignment */
    movex_ws_bytes kept;   /* what events was, if the event that recv lends lives there */
    bool           lent;   /* the bytes before events.start are lent and must stay */
    movex_ws_bytes scratch; /* LWS_PRE bytes and a frame that can be written at once */

    lws_sorted_usec_list_t sweep_timer, wait_timer;
    lws_usec_t             swept;    /* when links were last looked at for silence */

    int            epoll, alarm; /* what watches the sockets, and what ends its wait; -1: none */
    movex_ws_bytes looks;        /* sockets to have a look at */
    lws_usec_t     next_pass;    /* when all sockets are served at the latest */
    bool           pass_due;     /* they are to be served next */
    bool           looked;       /* wait has just done so: what there was is in `events` */
    atomic_bool            woken;    /* by wake, and no wait has noticed yet */
    bool                   room;     /* a full queue has room since the last wait */
    bool                   progress; /* bytes of a frame have come, so reading on may complete it */
    bool                   dying;    /* destroy has begun: nothing is reported any more */
};

/* --- websocket_event.c */

bool movex_ws_reserve(const movex_allocator *allocator, movex_ws_bytes *bytes, size_t more);
void movex_ws_drop(const movex_allocator *allocator, movex_ws_bytes *bytes);
static inline size_t movex_ws_held(const movex_ws_bytes *bytes)
{
    return bytes->end - bytes->start;
}

/* The slot of a number that the program may use, or NULL. */
movex_ws_slot *movex_ws_find(movex_ws *ws, movex_link number);
/* A fresh number for `link`: MOVEX_ERR_LIMIT or MOVEX_ERR_MEMORY if there is none. */
int  movex_ws_take_slot(movex_ws *ws, movex_ws_link *link);
void movex_ws_free_slot(movex_ws *ws, movex_ws_slot *slot);

/* Queues an event with a copy of its data; false if memory ran out. */
bool movex_ws_report(movex_ws *ws, movex_io_kind kind, movex_link number, const void *data, size_t length);
/* Queues CLOSED; cannot fail. */
void movex_ws_report_closed(movex_ws *ws, movex_link number, const char *text);
bool movex_ws_take_event(movex_ws *ws, movex_io_event *event);
void movex_ws_end_loan(movex_ws *ws);
bool movex_ws_has_event(const movex_ws *ws);

/* --- websocket_link.c */

/* A link without a number yet, or NULL. */
movex_ws_link *movex_ws_link_new(movex_ws *ws, struct lws *wsi, movex_ws_state state);
/* Forgets a link and its wsi's way to it; reports nothing. */
void movex_ws_link_free(movex_ws_link *link);
/* The link is gone: says so if the program still knows it, and frees it. */
void movex_ws_link_lost(movex_ws_link *link, const char *text);
/* The same where libwebsockets does not know yet that the connection ends; it closes it at its next pass. */
void movex_ws_link_kill(movex_ws_link *link, const char *text);
/* Handle callbacks; other than 0: libwebsockets is to close the connection. */
int  movex_ws_link_opened(movex_ws_link *link);
int  movex_ws_link_received(movex_ws_link *link, const void *bytes, size_t length);
int  movex_ws_link_writeable(movex_ws_link *link);
/* Reads on where a frame has come in part. */
void movex_ws_read_partial(movex_ws *ws);
void movex_ws_link_closed_by_peer(movex_ws_link *link, const unsigned char *bytes, size_t length);
/* See movex_io_ops.send. */
int movex_ws_link_send(movex_ws_link *link, const void *frame, size_t length);
/* Pings the silent, ends the dead, and comes back by itself. */
void movex_ws_sweep_start(movex_ws *ws);
/* How often it does. */
lws_usec_t movex_ws_sweep_interval(const movex_ws *ws);

/* --- websocket_epoll.c, or websocket_poll.c */

/* Once the context is there; false if the system has no descriptors or no memory for it. */
bool movex_ws_watch_start(movex_ws *ws);
void movex_ws_watch_end(movex_ws *ws);
/* Serves what is ready; if nothing is, sleeps until something is, or `until`, or for less. False if a signal has ended that. */
bool movex_ws_service(movex_ws *ws, lws_usec_t until);
/* Ends a sleep; may be called from another thread. */
void movex_ws_ring(movex_ws *ws);
/* A socket that is new, or whose link has ended, and that has to be looked at in any case. */
void movex_ws_watch(movex_ws *ws, int fd);
/* A link has opened. */
void movex_ws_watch_link(movex_ws_link *link);
/* libwebsockets wants something else of a socket than before. */
void movex_ws_watch_changed(movex_ws *ws, struct lws *wsi);

/* --- websocket_lws.c */

int  movex_ws_context_new(movex_ws *ws);
int  movex_ws_server_new(movex_ws *ws);
/* Makes the emitter ready to dial wss://: MOVEX_OK, MOVEX_ERR_TLS or MOVEX_ERR_MEMORY. */
int  movex_ws_tls_dialler_new(movex_ws *ws);
int  movex_ws_dial(movex_ws *ws, const movex_ws_url *url, movex_ws_link *link);
void movex_ws_resume_listener(movex_ws *ws);

/* --- websocket_tls.c */

/* Make what sessions are made from, from the files of a configuration: MOVEX_ERR_TLS with a text that names the file, or
   MOVEX_ERR_MEMORY. `error` may be NULL. A client's must be told its emitter with SSL_CTX_set_app_data before it is used. */
int movex_ws_tls_server(const movex_ws_config *config, SSL_CTX **made, movex_error *error);
int movex_ws_tls_client(const movex_ws_config *config, SSL_CTX **made, movex_error *error);
/* Hands what movex_ws_tls_server has loaded to the one that libwebsockets has made. */
bool movex_ws_tls_equip(SSL_CTX *tls, SSL_CTX *loaded);
/* Makes `link` one that dials wss://. MOVEX_OK or MOVEX_ERR_MEMORY. */
int movex_ws_tls_link(movex_ws_link *link, const char *host);

/* Keeps SIGPIPE from the program between the two calls, which must be in one thread; does nothing without TLS. */
typedef struct movex_ws_pipe {
    bool held, was_held, was_pending;
} movex_ws_pipe;
movex_ws_pipe movex_ws_pipe_hold(const movex_ws *ws);
void          movex_ws_pipe_release(movex_ws_pipe pipe);

/* --- websocket_listen.c */

/* A listening socket that does not block; `shared`: others may listen there as well. MOVEX_ERR_ADDRESS, MOVEX_ERR_ADDRESS_IN_USE or
   MOVEX_ERR_SYSTEM. */
int movex_ws_listen_socket(const movex_ws_url *address, bool shared, int *socket_out, uint16_t *port_out);
/* The next connection that has come in: its socket; -1: there is none; -2: none can be taken for now. */
int movex_ws_accept(int listening);
/* The other side's address as "host:port"; empty if there is none. */
void movex_ws_peer_address(int socket, char *text, size_t size);
/* True for an address in numbers, which needs no lookup. */
bool movex_ws_is_numeric(const char *host);

/* --- websocket_url.c */

bool movex_ws_parse_url(const char *text, movex_ws_url *url);
bool movex_ws_parse_address(const char *text, movex_ws_url *url);

#endif
