/* SPDX-License-Identifier: Apache-2.0 */
/* Who still owes a confirmation; see receipts.h. */
#include "daemon/receipts.h"

#include <stdlib.h>

#include "lib/tree.h"
#include "lib/xalloc.h"

struct vx_receipt {
    struct vx_receipts *owner;
    struct vx_receipt *prev, *next;     /* open receipts, by revision */
    uint64_t revision;
    unsigned n_holds;                   /* at 0 it is settled and dies */
    uint64_t *ports;
    size_t n_ports, cap;
};

struct port {
    struct vx_tree_node by_oid;
    uint64_t oid;
    struct vx_receipt **receipts;       /* not settled, by revision */
    size_t n_receipts, cap;
};

struct vx_receipts {
    struct vx_receipts_env env;
    struct vx_receipt *first, *last;
    struct vx_tree ports;               /* of struct port */
};

static int
cmp_port(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct port, by_oid)->oid;

    return a < b ? -1 : a > b;
}

struct vx_receipts *
vx_receipts_new(const struct vx_receipts_env *env)
{
    struct vx_receipts *receipts = vx_xcalloc(1, sizeof *receipts);

    receipts->env = *env;
    vx_tree_init(&receipts->ports, cmp_port);
    return receipts;
}

static struct port *
find_port(const struct vx_receipts *receipts, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&receipts->ports, &oid);

    return node ? VX_CONTAINER(node, struct port, by_oid) : NULL;
}

static void
receipt_free(struct vx_receipt *receipt)
{
    free(receipt->ports);
    free(receipt);
}

void
vx_receipts_free(struct vx_receipts *receipts)
{
    if (!receipts) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &receipts->ports) {
        struct port *port = VX_CONTAINER(node, struct port, by_oid);

        vx_receipts_forget(receipts, port->oid);
    }
    for (struct vx_receipt *r = receipts->first, *next; r; r = next) {
        next = r->next;
        receipt_free(r);
    }
    free(receipts);
}

struct vx_receipt *
vx_receipts_open(struct vx_receipts *receipts, uint64_t revision)
{
    struct vx_receipt *receipt = vx_xcalloc(1, sizeof *receipt);

    receipt->owner = receipts;
    receipt->revision = revision;
    receipt->n_holds = 1;
    receipt->prev = receipts->last;
    if (receipts->last) {
        receipts->last->next = receipt;
    } else {
        receipts->first = receipt;
    }
    receipts->last = receipt;
    return receipt;
}

void
vx_receipt_attach(struct vx_receipt *receipt, uint64_t oid)
{
    struct vx_receipts *receipts = receipt->owner;
    struct port *port = find_port(receipts, oid);

    if (!port) {
        port = vx_xcalloc(1, sizeof *port);
        port->oid = oid;
        vx_tree_insert(&receipts->ports, &oid, &port->by_oid);
    } else if (port->n_receipts
               && port->receipts[port->n_receipts - 1] == receipt) {
        return;
    }
    port->receipts = vx_grow(port->receipts, &port->cap,
                             port->n_receipts + 1, sizeof *port->receipts);
    port->receipts[port->n_receipts++] = receipt;
    receipt->ports = vx_grow(receipt->ports, &receipt->cap,
                             receipt->n_ports + 1, sizeof *receipt->ports);
    receipt->ports[receipt->n_ports++] = oid;
}

void
vx_receipt_hold(struct vx_receipt *receipt)
{
    receipt->n_holds++;
}

/* True if it was the last the port waited for. */
static bool
port_drop(struct port *port, const struct vx_receipt *receipt)
{
    size_t n = 0;

    for (size_t i = 0; i < port->n_receipts; i++) {
        if (port->receipts[i] != receipt) {
            port->receipts[n++] = port->receipts[i];
        }
    }
    bool dropped = n < port->n_receipts;
    port->n_receipts = n;
    return dropped && !n;
}

static void
settle(struct vx_receipt *receipt)
{
    struct vx_receipts *receipts = receipt->owner;
    bool was_first = receipts->first == receipt;

    if (receipt->prev) {
        receipt->prev->next = receipt->next;
    } else {
        receipts->first = receipt->next;
    }
    if (receipt->next) {
        receipt->next->prev = receipt->prev;
    } else {
        receipts->last = receipt->prev;
    }
    for (size_t i = 0; i < receipt->n_ports; i++) {
        struct port *port = find_port(receipts, receipt->ports[i]);

        if (port && port_drop(port, receipt)) {
            receipts->env.port_settled(receipts->env.ctx, port->oid);
        }
    }
    if (was_first) {
        receipts->env.confirmed(receipts->env.ctx);
    }
    receipt_free(receipt);
}

void
vx_receipt_release(struct vx_receipt *receipt)
{
    if (!--receipt->n_holds) {
        settle(receipt);
    }
}

void
vx_receipt_close(struct vx_receipt *receipt)
{
    vx_receipt_release(receipt);
}

unsigned
vx_receipts_outstanding(const struct vx_receipts *receipts, uint64_t oid)
{
    const struct port *port = find_port(receipts, oid);
    unsigned n = 0;

    for (size_t i = 0; port && i < port->n_receipts; i++) {
        n += port->receipts[i]->n_holds;
    }
    return n;
}

void
vx_receipts_forget(struct vx_receipts *receipts, uint64_t oid)
{
    struct port *port = find_port(receipts, oid);

    if (port) {
        vx_tree_remove(&receipts->ports, &port->by_oid);
        free(port->receipts);
        free(port);
    }
}

uint64_t
vx_receipts_confirmed(const struct vx_receipts *receipts)
{
    return receipts->first ? receipts->first->revision - 1 : UINT64_MAX;
}
