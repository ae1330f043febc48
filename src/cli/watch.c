/* SPDX-License-Identifier: Apache-2.0 */
/* `netctl watch`: prints the change stream until interrupted. A broken
 * stream is taken up again where it stopped, for as long as it takes: a
 * controller that restarts is not an error. Only the first connection must
 * succeed, so that a wrong address is told at once. */
#include "cli/commands.h"

#include <time.h>

#include "cli/cli.h"
#include "cli/event.h"

enum { PAUSE_FIRST_MS = 200, PAUSE_MAX_MS = 5000 };

struct watching {
    struct vx_cli *cli;
    struct vx_cli_feed feed;
    bool any;           /* the stream gave something this time */
    bool bad;           /* it gave what is no event, or out is closed */
};

static bool
tell(void *aux, const cJSON *event)
{
    struct watching *w = aux;
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(event, "error");
    const cJSON *why = cJSON_GetObjectItemCaseSensitive(error, "message");

    if (cJSON_IsString(why)) {
        /* The controller's last line: why it ends the stream. */
        struct vx_buf text = VX_BUF_INIT;

        vx_cli_put_safe(&text, why->valuestring);
        fprintf(w->cli->err, "netctl: watch: %s\n", vx_buf_str(&text));
        vx_buf_fini(&text);
        return true;
    }
    w->cli->format->event(w->cli->out, event);
    return fflush(w->cli->out) == 0;
}

static bool
on_data(void *aux, const char *data, size_t size)
{
    struct watching *w = aux;

    w->any = true;
    w->bad = !vx_cli_feed_data(&w->feed, data, size, tell, w);
    return !w->bad;
}

static bool
stream_once(struct watching *w, long *ret_status, struct vx_error *err)
{
    struct vx_cli_response response;
    struct vx_buf path = VX_BUF_INIT;
    bool done;

    vx_buf_puts(&path, "/v1/watch");
    if (w->feed.started) {
        char since[32];

        snprintf(since, sizeof since, "%llu", w->feed.since);
        vx_cli_query(&path, "since", since);
    }
    const struct vx_cli_request request = {
        .method = "GET", .path = vx_buf_str(&path), .on_data = on_data,
        .aux = w,
    };
    w->any = false;
    done = vx_cli_client_do(w->cli->client, &request, &response, err);
    *ret_status = response.status;
    vx_buf_fini(&response.body);
    vx_buf_fini(&path);
    return done;
}

static void
pause_ms(unsigned ms)
{
    struct timespec ts = { ms / 1000, (long) (ms % 1000) * 1000000 };

    nanosleep(&ts, NULL);
}

static int
follow(struct watching *w)
{
    struct vx_cli *cli = w->cli;
    unsigned pause = PAUSE_FIRST_MS;
    bool connected = false, told = false;

    for (;;) {
        struct vx_error err;
        long status;
        bool done = stream_once(w, &status, &err);

        if (w->bad) {
            if (!ferror(cli->out)) {
                fprintf(cli->err, "netctl: watch: the stream has a line that "
                        "is no event: that is no vxfabric controller\n");
            }
            return VX_CLI_REFUSED;
        }
        /* Refused for good, or never there: say so. Busy or broken: again. */
        if (!done && (!connected || (status >= 400 && status < 500 &&
                                     err.code != VX_BUSY))) {
            return vx_cli_refused(cli, NULL, status, &err);
        }
        /* Once per time it goes, not once per attempt. */
        if (w->any || !told) {
            fprintf(cli->err, "netctl: watch: lost the controller, resuming "
                    "after revision %llu\n", w->feed.since);
        }
        told = true;
        connected = true;
        vx_cli_feed_broken(&w->feed);
        pause_ms(pause);
        pause = w->any ? PAUSE_FIRST_MS
            : pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
    }
}

int
vx_cli_do_watch(struct vx_cli *cli)
{
    struct watching w = { .cli = cli };
    struct vx_error err;
    int exit_status;

    if (!vx_cli_args_number(&cli->args, "since", 1ULL << 53, &w.feed.since,
                            &err)) {
        return vx_cli_misused(cli, &err);
    }
    w.feed.started = vx_cli_args_has(&cli->args, "since");
    exit_status = follow(&w);
    vx_cli_feed_fini(&w.feed);
    return exit_status;
}
