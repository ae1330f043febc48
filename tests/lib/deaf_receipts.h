/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts of which nobody is told anything. */
#ifndef TESTS_LIB_DEAF_RECEIPTS_H
#define TESTS_LIB_DEAF_RECEIPTS_H

#include "daemon/receipts.h"

static inline void
deaf_port_settled(void *ctx, uint64_t port)
{
    (void) ctx;
    (void) port;
}

static inline void
deaf_confirmed(void *ctx)
{
    (void) ctx;
}

static inline struct vx_receipts *
deaf_receipts_new(void)
{
    static const struct vx_receipts_env env = {
        .port_settled = deaf_port_settled, .confirmed = deaf_confirmed };

    return vx_receipts_new(&env);
}

#endif
