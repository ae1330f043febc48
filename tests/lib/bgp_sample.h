/* SPDX-License-Identifier: Apache-2.0 */
/* Random routes, attributes and FlowSpec rules out of a seed, for tests. */
#ifndef VX_TESTS_BGP_SAMPLE_H
#define VX_TESTS_BGP_SAMPLE_H

#include "bgp/bgp_attr.h"
#include "bgp/bgp_flowspec.h"
#include "bgp/bgp_types.h"

uint32_t bgp_sample_number(uint64_t *seed, uint32_t below);
/* Bytes of what is returned that have no meaning are zero. */
void bgp_sample_nlri(uint64_t *seed, enum bg_family family,
                     struct bg_nlri *ret_nlri);
void bgp_sample_attrs(uint64_t *seed, struct bg_attrs *ret_attrs);
void bgp_sample_rule(uint64_t *seed, uint8_t family,
                     struct bg_flow_rule *ret_rule);
/* Only what a policy can say. */
void bgp_sample_policy(uint64_t *seed, uint8_t family,
                       struct bg_flow_rule *ret_rule);
void bgp_sample_action(uint64_t *seed, uint8_t family,
                       struct bg_flow_action *ret_action);

/* Whatever lies between the members. */
bool bgp_sample_same_attrs(const struct bg_attrs *a,
                           const struct bg_attrs *b);

#endif
