/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a daemon: "key = value" lines of the file of -c, then the
 * command line, which wins.  Both go through one function that sets a key, so
 * a key and an option mean the same and fail with the same words. */
#ifndef VX_SHELL_CONF_H
#define VX_SHELL_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/log.h"

/* A key that is plain data.  One of the pointers is not NULL. */
struct vx_conf_key {
    const char *name;
    char **string;              /* not empty; the old one is freed */
    bool *flag;                 /* true, yes, false, no */
    enum vx_log_level *level;
    uint32_t *number;           /* of min..max, times unit (0 = 1) */
    uint32_t min, max, unit;
};

/* True without *ret_known: it is none of the keys. */
bool vx_conf_set(const struct vx_conf_key *keys, size_t n_keys,
                 const char *key, const char *value, bool *ret_known,
                 struct vx_error *err);
/* Decimal, or 0x and hexadecimal. */
bool vx_conf_number(const char *key, const char *value, uint64_t max,
                    uint64_t *ret_n, struct vx_error *err);

struct vx_conf {
    bool (*set)(void *aux, const char *key, const char *value,
                struct vx_error *err);
    void *aux;
    /* Keys that are options of their own (state_dir: --state-dir); the others
     * are given as --set KEY=VALUE.  NULL: all are, and there is no --set. */
    const char *const *options;
    const char *flag;           /* option without a value: true; or NULL */
};

/* Space around keys and values is dropped, lines have up to 4,000 bytes,
 * those that begin with # are comments. */
bool vx_conf_load(const struct vx_conf *conf, const char *path,
                  struct vx_error *err);

enum vx_conf_verdict {
    VX_CONF_RUN, VX_CONF_HELP, VX_CONF_VERSION, VX_CONF_BAD
};
/* -c comes first wherever it stands. */
enum vx_conf_verdict vx_conf_parse(const struct vx_conf *conf, int argc,
                                   char **argv, struct vx_error *err);
/* What is said instead of running; returns the exit status. */
int vx_conf_say(enum vx_conf_verdict verdict, const char *program,
                const char *usage, const struct vx_error *err);

#endif
