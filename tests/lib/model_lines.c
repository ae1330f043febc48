/* SPDX-License-Identifier: Apache-2.0 */
/* Random operations on gateways and on what is not an operator's; see
 * model_lines.h. */
#include "tests/lib/model_lines.h"

#include "core/object.h"

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])
#define PICK(ARRAY) (ARRAY)[roll(N_ELEMS(ARRAY))]

static const char *const ips[] = {
    "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.9", "10.0.1.2", "fd00::2",
    "fe80::1",
};
static const char *const prefixes[] = {
    "10.0.0.0/28", "10.9.0.0/16", "fd00::/64", "::/0",
};
static const char *const hops[] = { "10.0.0.2", "10.0.1.2", "fd00::2" };

void
ml_bgp(struct vx_buf *b, ml_roll *roll)
{
    static const char *const peers[] = { "172.16.0.2", "172.16.0.3" };
    bool is_put = roll(4) != 0;
    unsigned what = roll(5);

    vx_buf_puts(b, is_put ? "put " : "delete ");
    if (what == 0) {
        vx_buf_printf(b, "gateway g%u", roll(3));
        if (is_put) {
            vx_buf_printf(b, " host=h%u as=%u", roll(4), roll(3));
        }
        return;
    }
    if (what < 3) {
        vx_buf_printf(b, "uplink u%u", roll(3));
    } else {
        vx_buf_printf(b, "peering t%u/c%u", roll(2), roll(3));
    }
    if (!is_put) {
        return;
    }
    vx_buf_printf(b, " gateway=g%u peer=%s peer_as=65100", roll(3),
                  PICK(peers));
    if (what < 3) {
        vx_buf_printf(b, " family=%s local_as=%u",
                      roll(3) ? "evpn" : "flowspec", roll(2) * 65001);
    } else if (roll(2)) {
        vx_buf_printf(b, " family=ipv4 device=e%u local=172.16.0.1/29",
                      roll(2));
    } else {
        vx_buf_puts(b, " family=ipv6 multihop=2");
    }
}

void
ml_others(struct vx_buf *b, ml_roll *roll)
{
    static const char *const subnets[] = {
        VX_ROUTER_SUBNET4, VX_ROUTER_SUBNET6,
    };
    bool is_put = roll(5) != 0;
    unsigned what = roll(6), leg = roll(3);

    vx_buf_puts(b, is_put ? "put " : "delete ");
    if (what == 0) {
        vx_buf_printf(b, "network t%u/_router origin=system", roll(2));
    } else if (what == 1) {
        vx_buf_printf(b, "subnet t%u/_router/%s origin=system", roll(2),
                      PICK(subnets));
    } else if (what == 2) {
        vx_buf_printf(b, "port t%u/_router/g%u origin=system", roll(2), leg);
        if (is_put) {
            vx_buf_printf(b, " leg=g%u host=h%u guard=no", leg, roll(4));
        }
    } else if (what == 3) {
        vx_buf_printf(b, "host x%u origin=learned", roll(2));
        if (is_put) {
            vx_buf_printf(b, " external=yes zone=z%u vtep=192.0.2.%u",
                          roll(2), roll(3) + 8);
        }
    } else if (what == 4) {
        vx_buf_printf(b, "port t%u/%s/e%u origin=learned", roll(2),
                      roll(4) ? "n0" : "_router", roll(3));
        if (is_put) {
            vx_buf_printf(b, " host=x%u mobility=%u ip=%s", roll(2), roll(9),
                          roll(3) ? PICK(ips) : "none");
        }
    } else {
        vx_buf_printf(b, "route t%u/%s origin=learned", roll(2),
                      PICK(prefixes));
        if (is_put) {
            vx_buf_printf(b, " via=%s", roll(2) ? "169.254.64.2"
                                                : PICK(hops));
        }
    }
}
