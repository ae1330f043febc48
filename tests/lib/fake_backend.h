/* SPDX-License-Identifier: Apache-2.0 */
/* A backend of the API over a bare model: commits at the end of the turn,
 * keeps its journal in memory, realizes when the test says so.  And a client
 * that runs the loop while it waits. */
#ifndef VX_TESTS_FAKE_BACKEND_H
#define VX_TESTS_FAKE_BACKEND_H 1

#include <event2/event.h>

#include "api/server.h"

struct fake_line {
    uint64_t revision;
    char *text;
};

struct fake_pending {
    struct fake_pending *next;
    vx_api_done *done;
    void *aux;
    struct vx_result *results;
    size_t n;
    uint64_t revision;
};

struct fake {
    struct event_base *base;
    struct vx_model *model;
    struct vx_watch *watch;
    struct vx_server *server;
    struct vx_api_backend backend;
    struct event *commit;
    struct fake_pending *first, **last;
    struct fake_line *lines;
    size_t n_lines, cap_lines;
    uint64_t journal_floor;
    bool disk_full;             /* commits fail */
    bool port_active;           /* status of all ports */
    struct vx_api_waiter *waiter;   /* the last one that waits */
    unsigned n_cancelled;
    struct vx_api_hooks hooks;
    struct vx_api_audits audits;
    struct vx_api_counters counters;
    struct vx_api_gateways gateways;
    int counted;                /* see fake_counters.c */
    unsigned n_repairs;         /* asked for */
    uint64_t retried;           /* id of the run */
    char dir[64];               /* of the socket */
    char addr[128];             /* "unix:..." */
};

struct fake_options {
    unsigned max_connections, request_timeout_s;
    struct vx_watch_config watch;
};

void fake_start(struct fake *fake, const struct fake_options *options);
void fake_audits(struct fake *fake);          /* fake_audits.c */
void fake_counters(struct fake *fake);        /* fake_counters.c */
void fake_gateways(struct fake *fake);        /* fake_gateways.c */
void fake_stop(struct fake *fake);
void fake_wake(struct fake *fake, bool realized);

/* --- The client. */

struct client {
    struct fake *fake;
    int fd;
    char *in;                   /* received and not yet taken */
    size_t n_in;
    bool eof;
};

struct answer {
    int status;
    char *head, *body;          /* freed by client_read, answer_fini */
};

void client_open(struct client *client, struct fake *fake);
void client_open_tcp(struct client *client, struct fake *fake);
void client_close(struct client *client);
void client_send(struct client *client, const char *text);
void client_send_bytes(struct client *client, const char *data, size_t size);
/* Reads one response of a known length; fails the test after a deadline. */
void client_read(struct client *client, struct answer *answer);
/* One line of a chunked stream, without its end; malloc'ed. */
char *client_read_line(struct client *client);
/* True if the server closes within the deadline. */
bool client_is_closed(struct client *client);
/* Runs the loop until nothing is left to do. */
void fake_settle(struct fake *fake);
void answer_fini(struct answer *answer);
/* On a connection of its own.  headers: "" or lines with CR LF. */
void request(struct fake *fake, struct answer *answer, const char *method,
             const char *path, const char *headers, const char *body);

#endif
