/* SPDX-License-Identifier: Apache-2.0 */
/* Names of events, shared with the CLI; see hooks.h. */
#include "api/hooks.h"

const char *const vx_api_event_names[VX_N_EVENTS + 1] = {
    [VX_EVENT_PORT_ACTIVE] = "port-active",
    [VX_EVENT_PORT_DOWN] = "port-down",
    [VX_EVENT_HOST_JOIN] = "host-join",
    [VX_EVENT_HOST_ACTIVE] = "host-active",
    [VX_EVENT_HOST_DOWN] = "host-down",
    [VX_EVENT_HOST_DRAIN] = "host-drain",
    [VX_EVENT_DRIFT] = "drift",
    [VX_EVENT_VNI_LOW] = "vni-low",
    [VX_EVENT_VNI_EXHAUSTION] = "vni-exhaustion",
    [VX_EVENT_HOP_UP] = "hop-up",
    [VX_EVENT_HOP_DOWN] = "hop-down",
    [VX_EVENT_BURST_START] = "burst-start",
    [VX_EVENT_BURST_END] = "burst-end",
    [VX_EVENT_GATEWAY_UP] = "gateway-up",
    [VX_EVENT_GATEWAY_DOWN] = "gateway-down",
    [VX_EVENT_BGP_UP] = "bgp-session-up",
    [VX_EVENT_BGP_DOWN] = "bgp-session-down",
    [VX_EVENT_ROUTE_ANNOUNCED] = "route-announced",
    [VX_EVENT_ROUTE_WITHDRAWN] = "route-withdrawn",
};
