/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a next hop lives; see health.h. */
#include "core/health.h"

#include <netinet/in.h>
#include <string.h>

#include "core/pipeline.h"

enum { ETH_SIZE = 14, IP6_SIZE = 40, NS_SIZE = 32, NA_SIZE = 24,
       ARP_FRAME = 60, NEIGHBOR_SOLICIT = 135, NEIGHBOR_ADVERT = 136 };

static const struct vx_mac gateway_mac = VX_GATEWAY_MAC;

/* --- States. */

static enum vx_health_news
die(struct vx_health *health)
{
    health->n_heard = 0;
    if (health->dead) {
        return VX_HEALTH_SAME;
    }
    health->dead = true;
    return VX_HEALTH_DOWN;
}

enum vx_health_news
vx_health_ask(struct vx_health *health)
{
    enum vx_health_news news = VX_HEALTH_SAME;

    if (health->asked) {
        health->n_heard = 0;
        health->n_missed += health->n_missed < VX_HEALTH_MISSES;
        if (health->n_missed == VX_HEALTH_MISSES) {
            news = die(health);
        }
    }
    health->asked = true;
    return news;
}

enum vx_health_news
vx_health_heard(struct vx_health *health)
{
    if (!health->asked) {
        return VX_HEALTH_SAME;
    }
    health->asked = false;
    health->n_missed = 0;
    if (health->dead && ++health->n_heard >= VX_HEALTH_ANSWERS) {
        health->dead = false;
        health->n_heard = 0;
        return VX_HEALTH_UP;
    }
    return VX_HEALTH_SAME;
}

enum vx_health_news
vx_health_iface(struct vx_health *health, bool there)
{
    if (there) {
        health->seen = true;
        return VX_HEALTH_SAME;
    }
    vx_health_away(health);
    return health->seen ? die(health) : VX_HEALTH_SAME;
}

void
vx_health_away(struct vx_health *health)
{
    health->asked = false;
    health->n_missed = health->n_heard = 0;
}

unsigned
vx_health_pause(const struct vx_health *health, unsigned interval_ms)
{
    return health->n_missed && !health->dead ? interval_ms / 2 : interval_ms;
}

/* --- Frames. */

static size_t
arp_request(const struct vx_mac *mac, const struct vx_ip *ip,
            const struct vx_ip *gateway, uint8_t *frame)
{
    static const uint8_t head[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };

    memset(frame, 0, ARP_FRAME);
    memcpy(frame, mac->b, 6);
    memcpy(frame + 6, gateway_mac.b, 6);
    memcpy(frame + 12, head, sizeof head);
    memcpy(frame + 22, gateway_mac.b, 6);
    memcpy(frame + 28, gateway->b, 4);
    memcpy(frame + 38, ip->b, 4);
    return ARP_FRAME;
}

static size_t
solicitation(const struct vx_mac *mac, const struct vx_ip *ip,
             uint8_t *frame)
{
    static const uint8_t head[] = { 0x86, 0xdd, 0x60, 0, 0, 0, 0, NS_SIZE,
                                    IPPROTO_ICMPV6, 255 };
    struct vx_ip src = vx_ip_link_local(&gateway_mac);
    uint8_t *ip6 = frame + ETH_SIZE, *icmp = ip6 + IP6_SIZE;
    uint16_t sum;

    memset(frame, 0, ETH_SIZE + IP6_SIZE + NS_SIZE);
    memcpy(frame, mac->b, 6);
    memcpy(frame + 6, gateway_mac.b, 6);
    memcpy(frame + 12, head, sizeof head);
    memcpy(ip6 + 8, src.b, 16);
    memcpy(ip6 + 24, ip->b, 16);
    icmp[0] = NEIGHBOR_SOLICIT;
    memcpy(icmp + 8, ip->b, 16);
    icmp[24] = icmp[25] = 1;            /* source link-layer address */
    memcpy(icmp + 26, gateway_mac.b, 6);
    sum = vx_punt_checksum(ip6, icmp, NS_SIZE);
    memcpy(icmp + 2, &sum, 2);
    return ETH_SIZE + IP6_SIZE + NS_SIZE;
}

size_t
vx_health_question(const struct vx_mac *mac, const struct vx_ip *ip,
                   const struct vx_ip *gateway,
                   uint8_t frame[VX_HEALTH_FRAME_MAX])
{
    return ip->family == 4 ? arp_request(mac, ip, gateway, frame)
                           : solicitation(mac, ip, frame);
}

static bool
is_advertisement(const struct vx_punted *punted)
{
    return punted->src.family == 6 && punted->proto == IPPROTO_ICMPV6
           && !punted->later_fragment && punted->whole && punted->ttl == 255
           && punted->upper_size >= NA_SIZE
           && punted->upper[0] == NEIGHBOR_ADVERT && !punted->upper[1]
           && !vx_punt_checksum(punted->ip, punted->upper,
                                punted->upper_size);
}

bool
vx_health_answer(const struct vx_punted *punted, struct vx_ip *ret_ip)
{
    if (punted->arp && punted->ip[6] == 0 && punted->ip[7] == 2) {
        *ret_ip = punted->src;
        return true;
    } else if (!punted->arp && is_advertisement(punted)) {
        *ret_ip = (struct vx_ip) { .family = 6 };
        memcpy(ret_ip->b, punted->upper + 8, 16);
        return true;
    }
    return false;
}
