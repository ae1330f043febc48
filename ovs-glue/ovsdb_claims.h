/* SPDX-License-Identifier: Apache-2.0 */
/* Which interface on br-tenant speaks for which iface-id.
 *
 * An interface claims its iface-id while it is on br-tenant with an ofport;
 * the first claimant has it, the next one inherits.  Works on rows of the
 * view, in two steps, so that a session can say "ready" in between: settle
 * (who claims what now), then tell (differences to what was told). */
#ifndef OG_OVSDB_CLAIMS_H
#define OG_OVSDB_CLAIMS_H

#include <stdint.h>

#include "lib/tree.h"
#include "ovs-glue/ovsdb_view.h"

struct og_claims {
    struct vx_tree by_id;           /* struct og_claim */
    struct og_claim *changed;       /* not yet told */
    struct og_iface **touched;      /* since the last settle */
    size_t n_touched, cap_touched;
};

struct og_claims_sink {
    void *aux;
    void (*iface)(void *aux, const char *iface_id, uint32_t ofport);
    /* A second claimant has come. */
    void (*conflict)(void *aux, const struct og_iface *first,
                     const struct og_iface *second);
};

void og_claims_init(struct og_claims *claims);
/* Before the view goes. */
void og_claims_fini(struct og_claims *claims);

/* The interface, or what it hangs on, has changed.  It must live until
 * settled, with `gone` set if it is out of the view. */
void og_claims_touch(struct og_claims *claims, struct og_iface *iface);
/* O(touched * log).  Frees the interfaces that are gone. */
void og_claims_settle(struct og_claims *claims,
                      const struct og_claims_sink *sink);
/* All that go before all that come.  The sink may read, not change. */
void og_claims_tell(struct og_claims *claims,
                    const struct og_claims_sink *sink);

uint32_t og_claims_ofport(const struct og_claims *claims,
                          const char *iface_id);
/* All that have an ofport, by iface-id. */
void og_claims_each(const struct og_claims *claims,
                    const struct og_claims_sink *sink);

#endif
