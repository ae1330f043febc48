/* SPDX-License-Identifier: Apache-2.0 */
/* Named network namespaces; see netns.h. */
#include "gateway/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SELF "/proc/thread-self/ns/net"
#define NSFS_TYPE 0x6e736673L       /* NSFS_MAGIC of linux/magic.h */

static void
path_of(const struct vx_gw_netns_dir *dir, const char *name,
        char path[VX_GW_NETNS_PATH])
{
    snprintf(path, VX_GW_NETNS_PATH, "%s/%.16s", dir->path, name);
}

bool
vx_gw_netns_dir_open(struct vx_gw_netns_dir *dir, const char *path,
                     struct vx_error *err)
{
    if (!path) {
        path = "/run/netns";
    }
    if (strlen(path) >= sizeof dir->path) {
        return vx_fail(err, VX_INVALID, "netns", "\"%.100s...\" is too long",
                       path);
    }
    if (mkdir(path, 0755) && errno != EEXIST) {
        return vx_fail(err, VX_INTERNAL, "netns", "mkdir %s: %s", path,
                       strerror(errno));
    }
    dir->home = open(SELF, O_RDONLY | O_CLOEXEC);
    if (dir->home < 0) {
        return vx_fail(err, VX_INTERNAL, "netns", "%s: %s", SELF,
                       strerror(errno));
    }
    strcpy(dir->path, path);
    return true;
}

void
vx_gw_netns_dir_close(struct vx_gw_netns_dir *dir)
{
    close(dir->home);
    dir->home = -1;
}

int
vx_gw_netns_open(const struct vx_gw_netns_dir *dir, const char *name)
{
    char path[VX_GW_NETNS_PATH];
    struct statfs fs;
    int fd;

    path_of(dir, name, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && (fstatfs(fd, &fs) || (long) fs.f_type != NSFS_TYPE)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool
vx_gw_netns_enter(int fd, struct vx_error *err)
{
    return !setns(fd, CLONE_NEWNET)
           || vx_fail(err, VX_INTERNAL, "netns", "setns: %s",
                      strerror(errno));
}

void
vx_gw_netns_leave(const struct vx_gw_netns_dir *dir)
{
    if (setns(dir->home, CLONE_NEWNET)) {
        perror("vxgatewayd: cannot get back into its network namespace");
        abort();
    }
}

/* So that the mounts below it are seen by whoever has a copy of this mount
 * namespace, as ip-netns(8) does. */
static bool
share(const struct vx_gw_netns_dir *dir, struct vx_error *err)
{
    if (!mount("", dir->path, "none", MS_SHARED | MS_REC, NULL)) {
        return true;
    }
    if (errno == EINVAL
        && !mount(dir->path, dir->path, "none", MS_BIND | MS_REC, NULL)
        && !mount("", dir->path, "none", MS_SHARED | MS_REC, NULL)) {
        return true;
    }
    return vx_fail(err, VX_INTERNAL, "netns", "mount --make-shared %s: %s",
                   dir->path, strerror(errno));
}

bool
vx_gw_netns_add(const struct vx_gw_netns_dir *dir, const char *name,
                bool (*prepare)(void *aux, struct vx_error *err), void *aux,
                struct vx_error *err)
{
    char path[VX_GW_NETNS_PATH];
    bool ok;
    int fd;

    path_of(dir, name, path);
    if (!share(dir, err)) {
        return false;
    }
    if (unshare(CLONE_NEWNET)) {
        return vx_fail(err, VX_INTERNAL, "netns", "unshare: %s",
                       strerror(errno));
    }
    ok = prepare(aux, err);
    if (ok) {
        /* The file of an earlier run that was interrupted here does. */
        fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0);
        ok = fd >= 0 && !mount(SELF, path, "none", MS_BIND, NULL);
        if (!ok) {
            vx_fail(err, VX_INTERNAL, "netns", "%s: %s", path,
                    strerror(errno));
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    vx_gw_netns_leave(dir);
    return ok;
}

/* The kernel waits for a grace period of RCU in umount(): 15-35 ms on an idle
 * machine, once per VRF that goes.  It stays on the loop: what comes next (the
 * name is made anew, the audit compares) relies on it having happened, and
 * nothing that packets need waits for the loop.  MNT_DETACH does not spare it;
 * only a thread would. */
bool
vx_gw_netns_del(const struct vx_gw_netns_dir *dir, const char *name,
                struct vx_error *err)
{
    char path[VX_GW_NETNS_PATH];

    path_of(dir, name, path);
    if (umount2(path, MNT_DETACH) && errno != EINVAL && errno != ENOENT) {
        return vx_fail(err, VX_INTERNAL, "netns", "umount %s: %s", path,
                       strerror(errno));
    }
    return (!unlink(path) || errno == ENOENT)
           || vx_fail(err, VX_INTERNAL, "netns", "unlink %s: %s", path,
                      strerror(errno));
}
