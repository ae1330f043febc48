/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.d; see hook_dir.h. */
#include "daemon/hook_dir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/xalloc.h"

/* Who may write it may only be root and us. */
static bool
is_ours(const char *path, const struct stat *st, struct vx_error *err)
{
    if (st->st_uid && st->st_uid != geteuid()) {
        return vx_fail(err, VX_FORBIDDEN, "", "%s belongs to user %ld: it "
                       "must belong to root or the controller's user", path,
                       (long) st->st_uid);
    }
    if (st->st_mode & S_IWOTH) {
        return vx_fail(err, VX_FORBIDDEN, "", "%s is world-writable: chmod "
                       "o-w", path);
    }
    if (st->st_mode & S_IWGRP && st->st_gid && st->st_gid != getegid()) {
        return vx_fail(err, VX_FORBIDDEN, "", "%s is writable by group %ld: "
                       "chmod g-w", path, (long) st->st_gid);
    }
    return true;
}

static bool
check_dir(const char *path, struct vx_error *err)
{
    struct stat st;

    if (stat(path, &st)) {
        return vx_fail(err, VX_NOT_FOUND, "", "%s: %s", path,
                       strerror(errno));
    }
    if (!S_ISDIR(st.st_mode)) {
        return vx_fail(err, VX_FORBIDDEN, "", "%s is not a folder", path);
    }
    return is_ours(path, &st, err);
}

static bool
check_file(const char *path, struct vx_error *err)
{
    struct stat st;

    if (stat(path, &st)) {
        return vx_fail(err, VX_NOT_FOUND, "", "%s: %s", path,
                       strerror(errno));
    }
    if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111)) {
        return vx_fail(err, VX_NOT_FOUND, "", "%s is not executable", path);
    }
    return is_ours(path, &st, err);
}

static bool
is_hook_name(const char *name)
{
    static const char chars[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    const char *dot = strrchr(name, '.');
    size_t size = strlen(name);

    return name[0] != '.' && size < VX_HOOK_NAME_MAX
           && strspn(name, chars) == size
           && !(dot && (!strncmp(dot, ".dpkg-", 6)
                        || !strncmp(dot, ".ucf-", 5)
                        || !strcmp(dot, ".bak") || !strcmp(dot, ".swp")
                        || !strcmp(dot, ".rpmsave")
                        || !strcmp(dot, ".rpmnew")));
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct vx_hook_file *) a)->name,
                  ((const struct vx_hook_file *) b)->name);
}

static void
add_file(struct vx_hook_files *files, const char *dir, const char *name)
{
    struct vx_hook_file file = { .executable = true };
    struct vx_error err;
    char *path = vx_xasprintf("%s/%s", dir, name);

    if (!check_file(path, &err)) {
        file.executable = err.code != VX_NOT_FOUND;
        file.refused = vx_xstrdup(err.message);
    }
    file.name = vx_xstrdup(name);
    free(path);
    files->items[files->n++] = file;
}

void
vx_hook_dir_scan(const char *hooks_dir, const char *event,
                 struct vx_hook_files *ret_files)
{
    char path[PATH_MAX];
    struct vx_error err;
    struct dirent *entry;
    DIR *dir;

    *ret_files = (struct vx_hook_files) { .items = NULL };
    snprintf(path, sizeof path, "%s/%s", hooks_dir, event);
    dir = opendir(path);
    if (!dir) {
        if (errno != ENOENT) {
            ret_files->refused = vx_xasprintf("%s: %s", path,
                                              strerror(errno));
        }
        return;
    }
    if (!check_dir(hooks_dir, &err) || !check_dir(path, &err)) {
        ret_files->refused = vx_xstrdup(err.message);
        closedir(dir);
        return;
    }
    ret_files->items = vx_xcalloc(VX_HOOK_DIR_MAX,
                                  sizeof *ret_files->items);
    while ((entry = readdir(dir))) {
        if (!is_hook_name(entry->d_name)) {
            continue;
        }
        if (ret_files->n == VX_HOOK_DIR_MAX) {
            free(ret_files->refused);
            ret_files->refused = vx_xasprintf("%s has more than %d files: "
                                              "not all are run", path,
                                              VX_HOOK_DIR_MAX);
            break;
        }
        add_file(ret_files, path, entry->d_name);
    }
    closedir(dir);
    qsort(ret_files->items, ret_files->n, sizeof *ret_files->items, by_name);
}

void
vx_hook_files_fini(struct vx_hook_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        free(files->items[i].name);
        free(files->items[i].refused);
    }
    free(files->items);
    free(files->refused);
}

bool
vx_hook_dir_check(const char *hooks_dir, const char *hook,
                  struct vx_error *err)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", hooks_dir, hook);
    char *slash = strrchr(path, '/');

    *slash = '\0';
    if (!check_dir(hooks_dir, err) || !check_dir(path, err)) {
        return false;
    }
    *slash = '/';
    return check_file(path, err);
}
