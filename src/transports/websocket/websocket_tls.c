/* TLS: certificates and keys, whom a dialled server must prove to be, and the words for what went wrong.

   libwebsockets makes the sessions; what they are made from is made here, with OpenSSL, because libwebsockets does not say
   why a file could not be used, goes on without a CA file that it could not read, and takes a host name to end at its
   first colon, which cuts IPv6 addresses. */
#define _POSIX_C_SOURCE 200809L
#include "websocket_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#if !defined(LWS_WITH_TLS) || defined(LWS_WITH_MBEDTLS)
#error "the websocket emitter needs libwebsockets built with OpenSSL"
#endif

/* --- files */

static bool is_reason(unsigned long error, int library, int reason)
{
    return ERR_GET_LIB(error) == library && ERR_GET_REASON(error) == reason;
}

/* Why OpenSSL failed: the oldest entry of its queue, in words. */
static const char *openssl_cause(char *text, size_t size, const char *otherwise)
{
    unsigned long error = ERR_peek_error();
    const char   *reason = error ? ERR_reason_error_string(error) : NULL;
    if (error && ERR_GET_LIB(error) == ERR_LIB_SYS) {
        if (strerror_r(ERR_GET_REASON(error), text, size) == 0) return text;
        return otherwise;
    }
    return reason ? reason : otherwise;
}

static int unusable(movex_error *error, const char *what, const char *file, const char *cause)
{
    if (error) {
        error->status = MOVEX_ERR_TLS;
        snprintf(error->text, sizeof error->text, "the %s cannot be used: %s (%s)", what, cause, file);
    }
    ERR_clear_error();
    return MOVEX_ERR_TLS;
}

static int out_of_memory(movex_error *error)
{
    ERR_clear_error();
    if (error) {
        error->status = MOVEX_ERR_MEMORY;
        snprintf(error->text, sizeof error->text, "%s", movex_status_text(MOVEX_ERR_MEMORY));
    }
    return MOVEX_ERR_MEMORY;
}

/* Instead of OpenSSL's own, which would ask at the terminal. */
static int no_password(char *buffer, int size, int writing, void *user)
{
    (void)buffer, (void)size, (void)writing, (void)user;
    return -1;
}

static int load_certificate(SSL_CTX *tls, const char *file, movex_error *error)
{
    char text[128];
    if (SSL_CTX_use_certificate_chain_file(tls, file) == 1) return MOVEX_OK;
    if (is_reason(ERR_peek_error(), ERR_LIB_PEM, PEM_R_NO_START_LINE))
        return unusable(error, "certificate", file, "there is none in the file, in PEM form");
    return unusable(error, "certificate", file, openssl_cause(text, sizeof text, "it cannot be read"));
}

static int load_key(SSL_CTX *tls, const char *file, movex_error *error)
{
    char          text[128];
    const char   *mismatch = "it is not that of the certificate";
    bool          used = SSL_CTX_use_PrivateKey_file(tls, file, SSL_FILETYPE_PEM) == 1;
    unsigned long reason = ERR_peek_last_error();
    if (used) return SSL_CTX_check_private_key(tls) == 1 ? MOVEX_OK : unusable(error, "key", file, mismatch);
    if (ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SYS)
        return unusable(error, "key", file, openssl_cause(text, sizeof text, "it cannot be read"));
    if (is_reason(reason, ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH) ||
        is_reason(reason, ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH))
        return unusable(error, "key", file, mismatch);
    return unusable(error, "key", file, "there is none in the file, in PEM form and without a password");
}

/* What both sides want: nothing older than TLS 1.2 and no renegotiation. */
static void set_common(SSL_CTX *tls)
{
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(tls, no_password);
}

int movex_ws_tls_server(const movex_ws_config *config, SSL_CTX **made, movex_error *error)
{
    ERR_clear_error();
    *made = SSL_CTX_new(TLS_server_method());
    if (!*made) return out_of_memory(error);
    set_common(*made);
    int status = load_certificate(*made, config->certificate_file, error);
    if (status == MOVEX_OK) status = load_key(*made, config->key_file, error);
    if (status == MOVEX_OK) return MOVEX_OK;
    SSL_CTX_free(*made);
    *made = NULL;
    return status;
}

bool movex_ws_tls_equip(SSL_CTX *tls, SSL_CTX *loaded)
{
    STACK_OF(X509) *chain = NULL;
    set_common(tls);
    /* Nobody resumes TLS sessions here, so none are remembered, and no tickets for it are sent. */
    SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(tls, 0);
    return SSL_CTX_use_certificate(tls, SSL_CTX_get0_certificate(loaded)) == 1 &&
           SSL_CTX_get0_chain_certs(loaded, &chain) == 1 && SSL_CTX_set1_chain(tls, chain) == 1 &&
           SSL_CTX_use_PrivateKey(tls, SSL_CTX_get0_privatekey(loaded)) == 1;
}

/* --- the dialled server */

/* The link for which OpenSSL calls back. The newest come first in the list, and these are the ones that shake hands. */
static movex_ws_link *link_of(const SSL *session)
{
    movex_ws *ws = SSL_CTX_get_app_data(SSL_get_SSL_CTX(session));
    if (ws->dialling) return ws->dialling;
    for (movex_ws_link *link = ws->links; link; link = link->next)
        if (link->tls && lws_get_ssl(link->wsi) == session) return link;
    return NULL;
}

static void describe_verification(movex_ws_tls *tls, int error)
{
    const char *name;
    switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        snprintf(tls->text, sizeof tls->text, "the server's certificate is not trusted: it is not for %.96s",
                 tls->host);
        return;
    /* For these, OpenSSL's words tell its own state rather than what to do. */
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: name = "it is signed by nobody who is trusted here"; break;
    default: name = X509_verify_cert_error_string(error);
    }
    snprintf(tls->text, sizeof tls->text, "the server's certificate is not trusted: %.128s", name);
}

/* Called for each certificate of the chain, its errors first. Without a link there is nobody to have asked for less. */
static int verify(int preverified, X509_STORE_CTX *store)
{
    const SSL     *session = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    movex_ws_link *link = session ? link_of(session) : NULL;
    if (!link || !link->tls || !link->tls->prepared) return 0;
    if (link->ws->config.insecure_skip_verification) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        link->tls->verified = true;
        return 1;
    }
    if (!preverified) {
        describe_verification(link->tls, X509_STORE_CTX_get_error(store));
        return 0;
    }
    if (X509_STORE_CTX_get_error_depth(store) == 0) link->tls->verified = true;
    return 1;
}

/* Says whom the server must be. What libwebsockets has set by now ends at the host's first colon. */
static bool prepare(SSL *session, movex_ws_tls *tls)
{
    X509_VERIFY_PARAM *parameters = SSL_get0_param(session);
    bool               numeric = movex_ws_is_numeric(tls->host);
    SSL_set_verify(session, SSL_VERIFY_PEER, verify);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    /* The server is told the name it is called by, but no address in its place (RFC 6066, 3). */
    if (SSL_set_tlsext_host_name(session, numeric ? NULL : tls->host) != 1) return false;
    return numeric ? X509_VERIFY_PARAM_set1_ip_asc(parameters, tls->host) == 1
                   : X509_VERIFY_PARAM_set1_host(parameters, tls->host, 0) == 1;
}

/* The queue of errors is still there when a handshake fails; libwebsockets empties it before it calls back. */
static void describe_failure(movex_ws_tls *tls)
{
    unsigned long error = ERR_peek_error();
    char          text[64];
    if (tls->text[0] || !error) return;
    if (is_reason(error, ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER) || is_reason(error, ERR_LIB_SSL, SSL_R_HTTP_REQUEST))
        snprintf(tls->text, sizeof tls->text, "the other side does not speak TLS (is it ws:// there?)");
#ifdef SSL_R_UNEXPECTED_EOF_WHILE_READING
    else if (is_reason(error, ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING))
        return; /* dial_failure has the words for this */
#endif
    else
        snprintf(tls->text, sizeof tls->text, "the TLS handshake failed: %s",
                 openssl_cause(text, sizeof text, "no reason was given"));
}

static void on_progress(const SSL *session, int where, int result)
{
    movex_ws_link *link;
    bool           starts = where & SSL_CB_HANDSHAKE_START;
    if (!starts && !(where == SSL_CB_CONNECT_EXIT && result <= 0)) return;
    link = link_of(session);
    if (!link || !link->tls) return;
    if (!starts)
        describe_failure(link->tls);
    else if (!link->tls->prepared) /* OpenSSL hands out as constant what it lets be set */
        link->tls->prepared = prepare((SSL *)(uintptr_t)session, link->tls);
}

int movex_ws_tls_client(const movex_ws_config *config, SSL_CTX **made, movex_error *error)
{
    char text[128];
    ERR_clear_error();
    *made = SSL_CTX_new(TLS_client_method());
    if (!*made) return out_of_memory(error);
    set_common(*made);
    SSL_CTX_set_verify(*made, SSL_VERIFY_PEER, verify);
    SSL_CTX_set_info_callback(*made, on_progress);
    if (!config->ca_file) {
        SSL_CTX_set_default_verify_paths(*made);
        return MOVEX_OK;
    }
    if (SSL_CTX_load_verify_locations(*made, config->ca_file, NULL) == 1) return MOVEX_OK;
    bool empty = ERR_GET_LIB(ERR_peek_error()) != ERR_LIB_SYS;
    SSL_CTX_free(*made);
    *made = NULL;
    return unusable(error, "file of certificate authorities", config->ca_file,
                    empty ? "there is no certificate in it, in PEM form"
                          : openssl_cause(text, sizeof text, "it cannot be read"));
}

int movex_ws_tls_link(movex_ws_link *link, const char *host)
{
    const movex_allocator *allocator = &link->ws->config.allocator;
    link->tls = allocator->allocate(allocator->user, sizeof *link->tls);
    if (!link->tls) return MOVEX_ERR_MEMORY;
    memset(link->tls, 0, sizeof *link->tls);
    snprintf(link->tls->host, sizeof link->tls->host, "%s", host);
    return MOVEX_OK;
}

/* --- SIGPIPE

   OpenSSL writes with write(2), so writing to a peer who is gone raises SIGPIPE, which ends a program that has not
   prepared for it. Ignoring the signal is the program's affair alone, and a BIO of our own cannot be put under the sessions
   that libwebsockets makes. So it is held back in this thread while libwebsockets runs, and one that came up meanwhile is
   taken away: a write raises it in the thread that wrote. */

static void pipe_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGPIPE);
}

static bool pipe_is_pending(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

movex_ws_pipe movex_ws_pipe_hold(const movex_ws *ws)
{
    movex_ws_pipe pipe = {.held = ws->uses_tls};
    sigset_t      set, before;
    if (!pipe.held) return pipe;
    pipe_set(&set);
    sigemptyset(&before);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    pipe.was_held = sigismember(&before, SIGPIPE) == 1;
    pipe.was_pending = pipe_is_pending();
    return pipe;
}

void movex_ws_pipe_release(movex_ws_pipe pipe)
{
    sigset_t set;
    if (!pipe.held) return;
    pipe_set(&set);
    if (!pipe.was_pending && pipe_is_pending()) {
#ifdef __APPLE__
        int number; /* no sigtimedwait there; as it is pending, this does not wait */
        sigwait(&set, &number);
#else
        sigtimedwait(&set, NULL, &(struct timespec){0});
#endif
    }
    if (!pipe.was_held) pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
