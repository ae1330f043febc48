/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about a port among the others: quota, unique MAC, addresses and
 * iface-id, hosts that exist.
 *
 * A port always owns the EUI-64 link-local address of its MAC (RFC 4291), as
 * the spoof guard lets it use that: so that one counts as taken, too. */
#include "core/validate.h"

#include <stdint.h>

#include "core/pipeline.h"

enum { PATH_SIZE = 3 * VX_NAME_MAX + 4 };

static const struct vx_port *
port_of(const struct vx_candidate *c)
{
    return (const void *) c->new;
}

static bool
port_quota(const struct vx_candidate *c, const char *field,
           struct vx_error *err)
{
    const struct vx_ent *ent = c->parent->parent;
    const struct vx_tenant *tenant = (const void *) ent->obj;
    size_t used = vx_tenant_ent(ent)->n_ports;

    return c->self || c->loading || c->new->origin != VX_BY_OPERATOR
           || !tenant->quota_ports
           || used < tenant->quota_ports
           || vx_fail(err, VX_EXHAUSTED, field, "tenant \"%s\" has %zu of %u "
                      "ports: raise its quota_ports or delete one",
                      tenant->o.name, used, tenant->quota_ports);
}

static bool
port_mac(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const struct vx_network_ent *net = vx_network_ent(c->parent);
    const struct vx_port *port = port_of(c);
    const struct vx_ent *other;
    struct vx_ip local;
    char mac[VX_MAC_STRLEN], ip[VX_IP_STRLEN];

    if (!vx_mac_to_u64(&port->mac)) {
        return true;
    }
    other = vx_network_port_by_mac(net, &port->mac);
    if (other && other != c->self) {
        return vx_fail(err, VX_EXISTS, field, "MAC %s already belongs to port "
                       "\"%s\" of network \"%s\": use another, or leave it "
                       "out to have one allocated",
                       vx_mac_format(&port->mac, mac), other->obj->name,
                       c->parent->obj->name);
    }
    local = vx_ip_link_local(&port->mac);
    other = vx_network_port_by_ip(net, &local);
    return !other || other == c->self
           || vx_fail(err, VX_EXISTS, field, "MAC %s makes the link-local "
                      "address %s, which belongs to port \"%s\" of network "
                      "\"%s\": use another MAC",
                      vx_mac_format(&port->mac, mac),
                      vx_ip_format(&local, ip), other->obj->name,
                      c->parent->obj->name);
}

/* The subnet of one address lets a port have it. */
static bool
ip_in_subnet(const struct vx_candidate *c, const struct vx_ip *ip,
             const char *field, struct vx_error *err)
{
    const struct vx_subnet_ent *ent =
        vx_network_subnet_of(vx_network_ent(c->parent), ip);
    const struct vx_subnet *subnet = ent ? (const void *) ent->e.obj : NULL;
    char text[VX_IP_STRLEN];

    if (!subnet) {
        return vx_fail(err, VX_INVALID, field, "%s is in no subnet of network "
                       "\"%s\": add the subnet first, or choose an address "
                       "of one", vx_ip_format(ip, text),
                       c->parent->obj->name);
    }
    if (!vx_prefix_is_usable(&subnet->prefix, ip)) {
        return vx_fail(err, VX_INVALID, field, "%s is the %s address of "
                       "subnet %s: choose another", vx_ip_format(ip, text),
                       ip->family == 6 ? "subnet-router anycast"
                       : vx_ip_compare(ip, &subnet->prefix.ip) ? "broadcast"
                       : "network", subnet->o.name);
    }
    return vx_ip_compare(ip, &subnet->gateway)
           || vx_fail(err, VX_INVALID, field, "%s is the gateway of subnet "
                      "%s: choose another", vx_ip_format(ip, text),
                      subnet->o.name);
}

static bool
link_local_is_ok(const struct vx_ip *ip, const char *field,
                 struct vx_error *err)
{
    const struct vx_prefix prefix = { { 6, { 0xfe, 0x80 } }, 64 };
    const struct vx_mac gateway = VX_GATEWAY_MAC;
    struct vx_ip router = vx_ip_link_local(&gateway);
    char text[VX_IP_STRLEN];

    if (!vx_ip_compare(ip, &router)) {
        return vx_fail(err, VX_INVALID, field, "%s is the link-local address "
                       "of the gateway: choose another",
                       vx_ip_format(ip, text));
    }
    return vx_ip_compare(ip, &prefix.ip)
           || vx_fail(err, VX_INVALID, field, "fe80:: is the subnet-router "
                      "anycast address: choose another");
}

static bool
port_ips(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const struct vx_network_ent *net = vx_network_ent(c->parent);
    const struct vx_port *port = port_of(c);

    for (size_t i = 0; i < port->n_ips; i++) {
        const struct vx_ip *ip = &port->ips[i];
        const struct vx_ent *other = vx_network_port_by_ip(net, ip);
        bool local = ip->family == 6 && vx_ip_is_link_local(ip);
        char text[VX_IP_STRLEN];

        if (local ? !link_local_is_ok(ip, field, err)
                  : !ip_in_subnet(c, ip, field, err)) {
            return false;
        }
        if (!other && local) {
            other = vx_network_port_by_eui64(net, ip);
        }
        if (other && other != c->self) {
            return vx_fail(err, VX_EXISTS, field, "%s already belongs to port "
                           "\"%s\" of network \"%s\": choose another, or "
                           "leave it out to have one allocated",
                           vx_ip_format(ip, text), other->obj->name,
                           c->parent->obj->name);
        }
    }
    return true;
}

static bool
port_iface_id(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    const struct vx_port *port = port_of(c), *other;
    char path[PATH_SIZE];

    other = vx_model_by_iface_id(c->model, port->iface_id);
    return !other || other->o.oid == port->o.oid
           || vx_fail(err, VX_EXISTS, field, "iface-id \"%.120s\" already "
                      "belongs to port \"%s\": an interface binds one port "
                      "of the fabric", port->iface_id,
                      vx_model_path(c->model, &other->o, path, sizeof path));
}

static bool
port_host(const struct vx_candidate *c, const char *field,
          struct vx_error *err)
{
    const struct vx_port *port = port_of(c);

    if ((port->host && !vx_model_ent_of(c->model, port->host, VX_HOST))
        || (port->located
            && !vx_model_ent_of(c->model, port->located, VX_HOST))) {
        return vx_fail(err, VX_NOT_FOUND, field, "the host of port \"%s\" "
                       "does not exist", port->o.name);
    }
    if (port->migrate_from
        && (!vx_model_ent_of(c->model, port->migrate_from, VX_HOST)
            || !port->host || port->host == port->migrate_from)) {
        return vx_fail(err, VX_INVALID, "migrate_from", "port \"%s\" does not "
                       "migrate from one host to another", port->o.name);
    }
    return !port->host || !port->located
           || vx_fail(err, VX_INVALID, field, "port \"%s\" is both on a host "
                      "by intent and located on one", port->o.name);
}

/* Ports on hosts of other fabrics are learned, and learned ports are there;
 * a leg is on the host of its gateway. */
static bool
port_fits_host(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    const struct vx_port *port = port_of(c);
    uint64_t oids[] = { port->host, port->located, port->migrate_from };
    bool learned = port->o.origin == VX_BY_BGP;

    for (size_t i = 0; i < sizeof oids / sizeof oids[0]; i++) {
        const struct vx_ent *ent = vx_model_ent_of(c->model, oids[i],
                                                   VX_HOST);
        const struct vx_host *host = ent ? (const void *) ent->obj : NULL;

        if (host && host->external && !learned) {
            return vx_fail(err, VX_INVALID, field, "host \"%s\" is of another "
                           "fabric: port \"%s\" cannot be there; choose a "
                           "host of this one", host->o.name, port->o.name);
        }
        if (i == 0 && learned && !(host && host->external)) {
            return vx_fail(err, VX_INVALID, field, "port \"%s\" was learned "
                           "and is on no host of another fabric",
                           port->o.name);
        }
    }
    return true;
}

/* What is there already goes on, also when its intent comes to say so. */
static bool
port_may_come(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    const struct vx_port *port = port_of(c);
    const struct vx_port *old = c->self ? (const void *) c->self->obj : NULL;
    const struct vx_ent *ent = vx_model_ent_of(c->model, port->host,
                                               VX_HOST);
    const struct vx_host *host = ent ? (const void *) ent->obj : NULL;

    return c->loading || !host || !host->draining
           || port->o.origin != VX_BY_OPERATOR
           || (old && (vx_port_location(old) == port->host
                       || old->host == port->host))
           || vx_fail(err, VX_IN_USE, field, "host \"%s\" is draining and "
                      "takes no new ports, such as \"%s\": choose another, "
                      "or end it with \"netctl host drain %s --undo\"",
                      host->o.name, port->o.name, host->o.name);
}

const struct vx_rule vx_port_place_rules[] = {
    { "the quota of ports is kept", "quota_ports", port_quota },
    { "a MAC is unique in its network", "mac", port_mac },
    { "addresses are usable and unique in their network", "ips", port_ips },
    { "an iface-id is unique in the fabric", "iface_id", port_iface_id },
    { "hosts exist", "host", port_host },
    { "learned ports are on hosts of other fabrics", "host",
      port_fits_host },
    { "a draining host takes no new ports", "host", port_may_come },
};
const size_t vx_n_port_place_rules =
    sizeof vx_port_place_rules / sizeof vx_port_place_rules[0];
