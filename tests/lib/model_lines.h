/* SPDX-License-Identifier: Apache-2.0 */
/* Random lines for model_fixture.h, on a small world of names: gateways g0 to
 * g2, hosts h0 to h3, tenants t0 and t1 with networks n0 and n1, hosts of
 * other fabrics x0 and x1. */
#ifndef VX_TESTS_MODEL_LINES_H
#define VX_TESTS_MODEL_LINES_H

#include "lib/buf.h"

typedef unsigned ml_roll(unsigned n);       /* 0..n-1 */

/* Gateways and their sessions. */
void ml_bgp(struct vx_buf *b, ml_roll *roll);
/* What the controller does itself, and what it learns. */
void ml_others(struct vx_buf *b, ml_roll *roll);

#endif
