/* SPDX-License-Identifier: Apache-2.0 */
/* See keep.h. */
#include "gateway/keep.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/feed.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum { WAIT_MS = 3000, PIECE = 2000 };

struct vx_gw_keep {
    char *path, *new_path;
    struct vx_gw_entries *entries;
    const struct vx_gw_feed *feed;
    struct event *timer;
    bool touched;
    /* While it is written. */
    FILE *file;
    uint64_t seq;
    enum vx_gw_type type;       /* the last written, "" before the first */
    char key[VX_GW_KEY_MAX + 1];
};

static void
fail(struct vx_gw_keep *keep, const char *what)
{
    vx_log_warn("keep", "%s %s: %s", what, keep->new_path, strerror(errno));
    if (keep->file) {
        fclose(keep->file);
        keep->file = NULL;
    }
    unlink(keep->new_path);
}

static bool
begin(struct vx_gw_keep *keep)
{
    int fd;

    unlink(keep->new_path);
    fd = open(keep->new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    keep->file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!keep->file) {
        if (fd >= 0) {
            close(fd);
        }
        fail(keep, "cannot write");
        return false;
    }
    keep->touched = false;
    keep->seq = vx_gw_feed_seq(keep->feed);
    keep->type = (enum vx_gw_type) 0;
    keep->key[0] = '\0';
    fprintf(keep->file, "{\"hello\":{\"epoch\":\"%s\",\"full\":true}}\n",
            vx_gw_feed_epoch(keep->feed));
    return true;
}

static void
finish(struct vx_gw_keep *keep)
{
    bool bad;

    fprintf(keep->file, "{\"sync\":%" PRIu64 "}\n", keep->seq);
    bad = fflush(keep->file) || ferror(keep->file);
    bad |= fclose(keep->file) != 0;
    keep->file = NULL;
    if (bad || rename(keep->new_path, keep->path)) {
        fail(keep, "cannot write");
    }
}

/* True if all is written. */
static bool
piece(struct vx_gw_keep *keep, size_t max)
{
    struct vx_gw_entry *entry =
        vx_gw_entries_from(keep->entries, keep->type, keep->key);

    if (entry && entry->type == keep->type && !strcmp(entry->key, keep->key)
        && keep->key[0]) {
        entry = vx_gw_entries_next(entry);
    }
    for (size_t i = 0; entry && i < max;
         i++, entry = vx_gw_entries_next(entry)) {
        if (entry->text) {
            fwrite(entry->text, entry->size, 1, keep->file);
            putc('\n', keep->file);
        }
        keep->type = entry->type;
        snprintf(keep->key, sizeof keep->key, "%s", entry->key);
    }
    return !entry;
}

static void
work(evutil_socket_t fd, short what, void *keep_)
{
    static const struct timeval soon = { 0, 1000 };
    static const struct timeval wait = { WAIT_MS / 1000, 0 };
    struct vx_gw_keep *keep = keep_;

    (void) fd;
    (void) what;
    if (!keep->file && !begin(keep)) {
        event_add(keep->timer, &wait);
        return;
    }
    if (!piece(keep, PIECE)) {
        event_add(keep->timer, &soon);
        return;
    }
    finish(keep);
    if (keep->touched) {
        event_add(keep->timer, &wait);
    }
}

void
vx_gw_keep_touch(struct vx_gw_keep *keep)
{
    static const struct timeval wait = { WAIT_MS / 1000, 0 };

    keep->touched = true;
    if (!keep->file && !event_pending(keep->timer, EV_TIMEOUT, NULL)) {
        event_add(keep->timer, &wait);
    }
}

bool
vx_gw_keep_load(const char *path, struct vx_gw_feed *feed)
{
    char piece_of[16384];
    size_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    struct stat st;

    if (!file) {
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
        vx_log_warn("keep", "%s is not a file of ours: passed over", path);
        fclose(file);
        return false;
    }
    while ((n = fread(piece_of, 1, sizeof piece_of, file))) {
        vx_gw_feed_take(feed, piece_of, n);
    }
    fclose(file);
    vx_gw_feed_cut(feed);
    return vx_gw_feed_seq(feed) != 0 || vx_gw_feed_epoch(feed)[0];
}

struct vx_gw_keep *
vx_gw_keep_new(struct event_base *base, const char *path,
               struct vx_gw_entries *entries, const struct vx_gw_feed *feed)
{
    struct vx_gw_keep *keep = vx_xcalloc(1, sizeof *keep);

    keep->path = vx_xstrdup(path);
    keep->new_path = vx_xasprintf("%s.new", path);
    keep->entries = entries;
    keep->feed = feed;
    keep->timer = event_new(base, -1, 0, work, keep);
    return keep;
}

void
vx_gw_keep_free(struct vx_gw_keep *keep)
{
    if (!keep) {
        return;
    }
    if ((keep->touched || keep->file) && (keep->file || begin(keep))) {
        piece(keep, SIZE_MAX);
        finish(keep);
        /* What changed while it was written is told again: see seq. */
    }
    event_free(keep->timer);
    free(keep->path);
    free(keep->new_path);
    free(keep);
}
