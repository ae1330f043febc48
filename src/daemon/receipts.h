/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: which switch still owes a confirmation for which change.
 *
 *   commit --open--> receipt --hold--> one per switch that was sent rows
 *                       |   <--release-- its barrier came, or it is gone
 *                       \-- none owed: its ports are told, waiters look again
 *
 * A receipt belongs to one change of one revision and to the ports whose
 * status waits for it; a port waits for all its receipts, since a later one
 * may ask other switches, or none.  A switch that goes away releases what it
 * owes: that it is away keeps its ports from being active (status.h), and
 * its resync has a receipt of its own.
 *
 * Cost: O(1) per hold and release; receipts are kept in revision order, so
 * "everything up to revision R is confirmed" is a look at the first. */
#ifndef VX_DAEMON_RECEIPTS_H
#define VX_DAEMON_RECEIPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vx_receipts;
struct vx_receipt;

struct vx_receipts_env {
    void *ctx;
    /* The last of the port's receipts has nothing outstanding any more. */
    void (*port_settled)(void *ctx, uint64_t port);
    /* vx_receipts_confirmed() has grown. */
    void (*confirmed)(void *ctx);
};

struct vx_receipts *vx_receipts_new(const struct vx_receipts_env *env);
void vx_receipts_free(struct vx_receipts *receipts);

/* Revisions must not decrease.  The caller has one reference and one hold
 * until it closes the receipt. */
struct vx_receipt *vx_receipts_open(struct vx_receipts *receipts,
                                    uint64_t revision);
void vx_receipt_close(struct vx_receipt *receipt);
/* The port's status waits for this one from now on. */
void vx_receipt_attach(struct vx_receipt *receipt, uint64_t port);
void vx_receipt_hold(struct vx_receipt *receipt);
void vx_receipt_release(struct vx_receipt *receipt);

/* Confirmations the port still waits for. O(its receipts not settled). */
unsigned vx_receipts_outstanding(const struct vx_receipts *receipts,
                                 uint64_t port);
/* The port is deleted: forget it. */
void vx_receipts_forget(struct vx_receipts *receipts, uint64_t port);
/* The highest revision R such that nothing up to R is outstanding, or
 * UINT64_MAX if nothing is outstanding at all. */
uint64_t vx_receipts_confirmed(const struct vx_receipts *receipts);

#endif
