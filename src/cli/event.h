/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the watch stream (api/watch.h): cut out of the bytes as they
 * come, counted so that a broken stream is resumed without loss or repeat,
 * and told in one line of text. Pure. */
#ifndef VX_CLI_EVENT_H
#define VX_CLI_EVENT_H 1

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"

/* Appends "7  PUT     port acme/web/vm1", for a person. */
void vx_cli_event_text(struct vx_buf *buf, const cJSON *event);
/* Appends the full name of what the event is about, without it the event's
 * own name. */
void vx_cli_event_name(struct vx_buf *buf, const cJSON *event);

enum { VX_CLI_EVENT_MAX = 16 * 1024 * 1024 };   /* bytes of a line */

/* Where in the stream of changes we are. A revision may be several lines and
 * may be cut apart, so one is done only when a later line says so. */
struct vx_cli_feed {
    bool started;               /* since is known */
    unsigned long long since;   /* all lines up to here were told */
    unsigned long long partial; /* being told, 0 = none */
    size_t n_told;              /* lines of partial that were told */
    size_t n_skip;              /* of those, still to come again */
    struct vx_buf line;         /* not yet ended */
};

/* Takes bytes of the stream. Calls tell for each event that is new (no
 * heartbeats). False if a line is no JSON, or too long, or tell says so. */
typedef bool vx_cli_feed_tell(void *aux, const cJSON *event);
bool vx_cli_feed_data(struct vx_cli_feed *feed, const char *data, size_t size,
                      vx_cli_feed_tell *tell, void *aux);
/* The stream broke: forgets half a line, prepares to resume at since. */
void vx_cli_feed_broken(struct vx_cli_feed *feed);
void vx_cli_feed_fini(struct vx_cli_feed *feed);

#endif
