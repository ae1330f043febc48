/* SPDX-License-Identifier: Apache-2.0 */
/* See end.h. */
#include "gateway/end.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

/* A process of that name only: what answers at the VTY may be another. */
static bool
is_called(pid_t pid, const char *wanted)
{
    char path[64], name[32] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/comm", (long) pid);
    file = fopen(path, "re");
    if (file) {
        if (!fgets(name, sizeof name, file)) {
            name[0] = '\0';
        }
        fclose(file);
    }
    name[strcspn(name, "\n")] = '\0';
    return !strcmp(name, wanted);
}

bool
vx_gw_end_daemon(const struct vx_gw_vty *vty, const char *name)
{
    pid_t pid = vx_gw_vty_peer(vty);

    return pid > 1 && is_called(pid, name) && !kill(pid, SIGKILL);
}
