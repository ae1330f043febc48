/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings: decoded, each parameter at most once, and what nobody asked
 * for is refused, so that a typing error cannot become a wider request.
 * Private to src/api. */
#ifndef VX_API_QUERY_H
#define VX_API_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

enum { VX_QUERY_MAX_PARAMS = 16 };

struct vx_query {
    char *text;
    struct {
        const char *name, *value;
        bool used;
    } params[VX_QUERY_MAX_PARAMS];
    size_t n;
};

/* query may be NULL.  vx_query_fini in any case. */
bool vx_query_parse(struct vx_query *query, const char *text,
                    struct vx_error *err);
void vx_query_fini(struct vx_query *query);
/* NULL if it is not given. */
const char *vx_query_get(struct vx_query *query, const char *name);
/* *u stays as it is if the parameter is not given. */
bool vx_query_uint(struct vx_query *query, const char *name, uint64_t max,
                   uint64_t *u, struct vx_error *err);
/* "1", "true", "" are true; "0", "false" are false. */
bool vx_query_bool(struct vx_query *query, const char *name, bool *b,
                   struct vx_error *err);
/* Refuses what was not asked for.  takes: names for the message. */
bool vx_query_done(const struct vx_query *query, const char *takes,
                   struct vx_error *err);

#endif
