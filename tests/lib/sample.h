/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a small fabric for tests of ovs-glue: every kind of row of
 * doc/pipeline.md, made by the compiler, without a model behind it. */
#ifndef TESTS_LIB_SAMPLE_H
#define TESTS_LIB_SAMPLE_H

#include "core/flow.h"

struct sample {
    unsigned n_networks;        /* VNI 1000 + i */
    unsigned n_hosts;           /* beside our own; every second has an IPv6
                                 * VTEP if mixed */
    unsigned n_ports;           /* per network and host, ours too */
    unsigned first_ofport;      /* of our own taps */
    bool mixed;
};

/* All rows of one tier of our host, in add order. */
void sample_rows(const struct sample *sample, enum vx_tier tier,
                 struct vx_rows *rows);

#endif
