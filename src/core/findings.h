/* SPDX-License-Identifier: Apache-2.0 */
/* The book of what audits of one host, or gateway, have found.
 *
 * An audit of a part (a bridge, the OVSDB) begins, notes each difference,
 * ends.  A difference that was known keeps its `since`; one that is not
 * found any more is over, and so is one that was repaired: it stays in the
 * book, with the time, until its room is needed.  Bounded: of what is beyond
 * VX_FINDINGS_MAX only the number is kept.
 *
 * Pure: text in, text out, times are parameters (wall clock, ms).  O(log n)
 * a call, O(n) to begin and end. */
#ifndef VX_CORE_FINDINGS_H
#define VX_CORE_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/tree.h"

enum { VX_FINDINGS_MAX = 1000 };

enum vx_finding_kind {
    VX_FOUND_FLOW, VX_FOUND_GROUP, VX_FOUND_BUCKET, VX_FOUND_METER,
    VX_FOUND_OVSDB,
    /* Of gateways; in the order of the parts below. */
    VX_FOUND_ZEBRA, VX_FOUND_BGPD, VX_FOUND_REFLECTOR, VX_FOUND_SPEAKER,
    VX_FOUND_KERNEL, VX_N_FOUND
};
const char *vx_finding_kind_name(enum vx_finding_kind kind);

/* enum vx_diff_type names what it is. */
const char *vx_finding_what_name(unsigned what);
bool vx_finding_what_parse(const char *name, unsigned *ret_what);

enum vx_finding_part {          /* what is audited at once */
    VX_PART_TENANT,             /* br-tenant */
    VX_PART_FABRIC,             /* br-fabric */
    VX_PART_OVSDB,
    VX_PART_ZEBRA,              /* of a gateway: its routes in zebra */
    VX_PART_BGPD,               /* our lines of bgpd's configuration */
    VX_PART_REFLECTOR,          /* of the reflector's */
    VX_PART_SPEAKER,            /* what the reflector has from vxgatewayd */
    VX_PART_KERNEL,             /* VRFs, legs, devices */
    VX_N_PARTS
};
enum { VX_N_GATEWAY_PARTS = VX_N_PARTS - VX_PART_ZEBRA };
/* "zebra", "bgpd", ...; false if no part of a gateway is called so. */
bool vx_gateway_part_parse(const char *name, enum vx_finding_part *ret_part);
enum vx_finding_kind vx_gateway_part_kind(enum vx_finding_part part);

/* What is found. */
struct vx_found {
    enum vx_finding_part part;
    enum vx_finding_kind kind;
    unsigned what;              /* enum vx_diff_type */
    const char *object;         /* "port acme/web/vm1" */
    const char *row;            /* wanted, or foreign */
    const char *found;          /* in place of it, "" if nothing is */
};

/* One entry of the book; owns its texts. */
struct vx_finding {
    struct vx_tree_node by_text, by_id;
    uint64_t id;                /* grows */
    struct vx_found f;
    int64_t since_ms;           /* first seen; after a repair anew */
    int64_t seen_ms;            /* last */
    int64_t over_ms;            /* repaired or gone; 0 = not yet */
    uint64_t n_times;           /* it came back: 2 and more */
    uint64_t audit;             /* number of the last that found it */
    bool repaired;              /* by us, else gone by itself */
};

struct vx_findings {
    struct vx_tree by_text, by_id;
    uint64_t *last_id;          /* shared by all books */
    uint64_t audit;             /* number of the audit under way */
    size_t n_open;
    size_t n_beyond[VX_N_PARTS];    /* open and not in the book */
};

void vx_findings_init(struct vx_findings *book, uint64_t *last_id);
void vx_findings_fini(struct vx_findings *book);

void vx_findings_begin(struct vx_findings *book, enum vx_finding_part part);
/* NULL: the book is full, it is counted. */
struct vx_finding *vx_findings_note(struct vx_findings *book,
                                    const struct vx_found *f,
                                    int64_t now_ms);
/* Notes that one more is beyond the book. */
void vx_findings_beyond(struct vx_findings *book, enum vx_finding_part part,
                        size_t n);
/* What was not noted since begin is over. */
void vx_findings_end(struct vx_findings *book, enum vx_finding_part part,
                     int64_t now_ms);
/* This one is repaired. */
void vx_findings_over(struct vx_findings *book, struct vx_finding *f,
                      int64_t now_ms);
/* All of this part that the audit under way has noted are repaired. */
void vx_findings_repaired(struct vx_findings *book,
                          enum vx_finding_part part, int64_t now_ms);
/* Open ones, with those beyond. */
size_t vx_findings_n_open(const struct vx_findings *book);
/* The first with a greater id, NULL if there is none. */
const struct vx_finding *vx_findings_after(const struct vx_findings *book,
                                           uint64_t id);

#endif
