/* SPDX-License-Identifier: Apache-2.0 */
/* Operations as lines of text; see model_fixture.h. */
#include "tests/lib/model_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rt.h"

static enum vx_op_type
parse_verb(const char *s)
{
    static const char *const verbs[] = {
        [VX_OP_PUT] = "put", [VX_OP_DELETE] = "delete",
        [VX_OP_LOCATE] = "locate", [VX_OP_RELEASE] = "release",
        [VX_OP_ARRIVE] = "arrive",
    };

    for (unsigned i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (verbs[i] && !strcmp(s, verbs[i])) {
            return (enum vx_op_type) i;
        }
    }
    fail_msg("no verb \"%s\"", s);
    return VX_OP_PUT;
}

static enum vx_kind
parse_kind(const char *s)
{
    for (unsigned i = VX_ZONE; i < VX_N_KINDS; i++) {
        if (vx_kind_is_intent((enum vx_kind) i)
            && !strcmp(s, vx_kind_name((enum vx_kind) i))) {
            return (enum vx_kind) i;
        }
    }
    return !strcmp(s, "vni") ? VX_RETIRED_VNI
           : !strcmp(s, "uplink") ? VX_UPLINK : VX_NONE;
}

static void
parse_path(struct vx_op *op, char *path)
{
    const char **parts[3] = { &op->key.tenant, &op->key.network,
                              &op->key.name };
    unsigned first = op->kind == VX_SUBNET || op->kind == VX_PORT ? 0
                     : op->kind == VX_NETWORK || op->kind == VX_ROUTE
                       || op->kind == VX_POLICY || op->kind == VX_PEERING
                       ? 1 : 2;

    if (first == 1) {
        parts[1] = &op->key.tenant;
    }
    for (; first < 2; first++) {
        char *slash = strchr(path, '/');

        assert_non_null(slash);
        *slash = '\0';
        *parts[first] = path;
        path = slash + 1;
    }
    op->key.name = path;
}

static struct vx_ip
parse_ip(const char *s)
{
    struct vx_ip ip = { .family = 0 };

    if (!vx_ip_parse(s, &ip)) {
        fail_msg("\"%s\" is no address", s);
    }
    return ip;
}

static uint32_t
parse_number(const char *s)
{
    return (uint32_t) strtoul(s, NULL, 10);
}

static bool
is_yes(const char *value)
{
    return !strcmp(value, "yes");
}

/* AS:NUMBER as the low 48 bits of an RD or route target of type 0. */
static uint64_t
parse_target(const char *s)
{
    const char *colon = strchr(s, ':');

    assert_non_null(colon);
    return (uint64_t) parse_number(s) << 32 | parse_number(colon + 1);
}

static void
add_rt(const char *value, uint64_t *rts, size_t *n)
{
    rts[(*n)++] = UINT64_C(2) << 48 | parse_target(value);
}

/* With host bits, for addresses of a device. */
static struct vx_prefix
parse_any_prefix(char *value)
{
    char *slash = strchr(value, '/');
    struct vx_prefix prefix;

    assert_non_null(slash);
    *slash = '\0';
    prefix.ip = parse_ip(value);
    prefix.length = (uint8_t) parse_number(slash + 1);
    return prefix;
}

static bool
zone_member(struct fx_op *fx, const char *name, const char *value)
{
    struct vx_zone_spec *spec = &fx->op.spec.zone;

    if (!strcmp(name, "path")) {
        spec->path = !strcmp(value, "border") ? VX_PATH_BORDER
                                              : VX_PATH_DIRECT;
    } else if (!strcmp(name, "border")) {
        fx->names[spec->n_borders++] = value;
        spec->borders = fx->names;
    } else if (!strcmp(name, "budget_kbps")) {
        spec->budget_kbps = parse_number(value);
    } else {
        return false;
    }
    return true;
}

static bool
host_member(struct fx_op *fx, const char *name, const char *value)
{
    struct vx_host_spec *spec = &fx->op.spec.host;

    if (!strcmp(name, "zone")) {
        spec->zone = value;
    } else if (!strcmp(name, "system_id")) {
        spec->system_id = value;
    } else if (!strcmp(name, "vtep")) {
        spec->vtep = parse_ip(value);
    } else if (!strcmp(name, "mtu")) {
        spec->mtu = (uint16_t) parse_number(value);
    } else if (!strcmp(name, "datapath")) {
        spec->datapath = value;
    } else if (!strcmp(name, "draining")) {
        spec->draining = !strcmp(value, "yes");
    } else if (!strcmp(name, "external")) {
        spec->external = is_yes(value);
    } else {
        return false;
    }
    return true;
}

static bool
tenant_member(struct fx_op *fx, const char *name, const char *value)
{
    struct vx_tenant_spec *spec = &fx->op.spec.tenant;

    if (!strcmp(name, "router")) {
        spec->router = !strcmp(value, "yes");
        spec->no_router = !strcmp(value, "none");
    } else if (!strcmp(name, "budget_kbps")) {
        spec->budget_kbps = parse_number(value);
    } else if (!strcmp(name, "router_vni")) {
        spec->router_vni = parse_number(value);
    } else if (!strcmp(name, "quota_networks")) {
        spec->quota_networks = parse_number(value);
    } else if (!strcmp(name, "quota_ports")) {
        spec->quota_ports = parse_number(value);
    } else if (!strcmp(name, "rd")) {
        if (!vx_rd_parse(value, &spec->rd)) {
            spec->rd = parse_target(value);     /* what is none, too */
        }
    } else if (!strcmp(name, "import")) {
        spec->imports = fx->rts[0];
        add_rt(value, fx->rts[0], &spec->n_imports);
    } else if (!strcmp(name, "export")) {
        spec->exports = fx->rts[1];
        add_rt(value, fx->rts[1], &spec->n_exports);
    } else {
        return false;
    }
    return true;
}

static bool
network_member(struct fx_op *fx, const char *name, const char *value)
{
    if (!strcmp(name, "vni")) {
        fx->op.spec.network.vni = parse_number(value);
    } else if (!strcmp(name, "mtu")) {
        fx->op.spec.network.mtu = (uint16_t) parse_number(value);
    } else if (!strcmp(name, "path")) {
        fx->op.spec.network.path = !strcmp(value, "border") ? VX_PATH_BORDER
                                                            : VX_PATH_DIRECT;
    } else if (!strcmp(name, "bum_pps")) {
        fx->op.spec.network.bum_pps = parse_number(value);
    } else if (!strcmp(name, "evpn")) {
        fx->op.spec.network.no_evpn = !is_yes(value);
    } else if (!strcmp(name, "rt")) {
        fx->op.spec.network.rts = fx->rts[0];
        add_rt(value, fx->rts[0], &fx->op.spec.network.n_rts);
    } else {
        return false;
    }
    return true;
}

static bool
subnet_member(struct fx_op *fx, const char *name, char *value)
{
    struct vx_subnet_spec *spec = &fx->op.spec.subnet;

    if (!strcmp(name, "gateway")) {
        spec->no_gateway = !strcmp(value, "none");
        if (!spec->no_gateway) {
            spec->gateway = parse_ip(value);
        }
    } else if (!strcmp(name, "route")) {
        spec->route = !strcmp(value, "yes");
        spec->no_route = !strcmp(value, "no");
    } else if (!strcmp(name, "announce")) {
        spec->announce = is_yes(value);
    } else if (!strcmp(name, "hosts")) {
        spec->host_routes = is_yes(value);
    } else if (!strcmp(name, "range")) {
        char *dash = strchr(value, '-');

        assert_non_null(dash);
        *dash = '\0';
        fx->ranges[spec->n_ranges++] = (struct vx_range) {
            parse_ip(value), parse_ip(dash + 1),
        };
        spec->ranges = fx->ranges;
    } else {
        return false;
    }
    return true;
}

static bool
port_member(struct fx_op *fx, const char *name, const char *value)
{
    struct vx_port_spec *spec = &fx->op.spec.port;

    if (!strcmp(name, "mac")) {
        spec->has_mac = vx_mac_parse(value, &spec->mac);
        assert_true(spec->has_mac);
    } else if (!strcmp(name, "ip")) {
        spec->no_ips = !strcmp(value, "none");
        if (!spec->no_ips) {
            fx->ips[spec->n_ips++] = parse_ip(value);
            spec->ips = fx->ips;
        }
    } else if (!strcmp(name, "host")) {
        spec->host = value;
    } else if (!strcmp(name, "from")) {
        spec->migrate_from = value;
    } else if (!strcmp(name, "iface_id")) {
        spec->iface_id = value;
    } else if (!strcmp(name, "guard")) {
        spec->no_guard = !strcmp(value, "no");
    } else if (!strcmp(name, "rate_kbps")) {
        spec->rate_kbps = parse_number(value);
    } else if (!strcmp(name, "rate_pps")) {
        spec->rate_pps = parse_number(value);
    } else if (!strcmp(name, "bum_pps")) {
        spec->bum_pps = parse_number(value);
    } else if (!strcmp(name, "leg")) {
        spec->gateway = value;
    } else if (!strcmp(name, "mobility")) {
        spec->mobility = parse_number(value);
    } else {
        return false;
    }
    return true;
}

static bool
route_member(struct fx_op *fx, const char *name, const char *value)
{
    if (!strcmp(name, "via")) {
        fx->ips[fx->op.spec.route.n_via++] = parse_ip(value);
        fx->op.spec.route.via = fx->ips;
        return true;
    }
    if (!strcmp(name, "announce")) {
        fx->op.spec.route.announce = is_yes(value);
        return true;
    }
    return false;
}

static void
parse_ports(char *value, struct vx_port_range *ports, size_t *n)
{
    char *dash = strchr(value, '-');

    ports[*n].first = (uint16_t) parse_number(value);
    ports[*n].last = dash ? (uint16_t) parse_number(dash + 1)
                          : ports[*n].first;
    ++*n;
}

static bool
match_member(struct fx_op *fx, const char *name, char *value)
{
    struct vx_policy_match *match = &fx->op.spec.policy.match;

    if (!strcmp(name, "src")) {
        assert_true(vx_prefix_parse(value, &match->src));
    } else if (!strcmp(name, "dst")) {
        assert_true(vx_prefix_parse(value, &match->dst));
    } else if (!strcmp(name, "proto")) {
        match->proto = (int16_t) parse_number(value);
    } else if (!strcmp(name, "dscp")) {
        match->dscp = (int16_t) parse_number(value);
    } else if (!strcmp(name, "network")) {
        fx->op.spec.policy.network = value;
    } else if (!strcmp(name, "sport")) {
        match->sports = fx->ports[0];
        parse_ports(value, fx->ports[0], &match->n_sports);
    } else if (!strcmp(name, "dport")) {
        match->dports = fx->ports[1];
        parse_ports(value, fx->ports[1], &match->n_dports);
    } else {
        return false;
    }
    return true;
}

static bool
policy_member(struct fx_op *fx, const char *name, char *value)
{
    struct vx_policy_spec *spec = &fx->op.spec.policy;

    if (!strcmp(name, "priority")) {
        spec->priority = (uint16_t) parse_number(value);
    } else if (!strcmp(name, "via")) {
        fx->ips[spec->n_via++] = parse_ip(value);
        spec->via = fx->ips;
        spec->action = VX_POLICY_VIA;
    } else if (!strcmp(name, "set")) {
        spec->dscp = (uint8_t) parse_number(value);
        spec->action = VX_POLICY_DSCP;
    } else if (!strcmp(name, "rate")) {
        spec->rate_kbps = parse_number(value);
        spec->action = VX_POLICY_RATE;
    } else if (!strcmp(name, "gateway")) {
        spec->action = VX_POLICY_GATEWAY;
    } else if (!strcmp(name, "fail")) {
        spec->fail_closed = !strcmp(value, "closed");
    } else if (!strcmp(name, "where")) {
        spec->where = (uint8_t)
            ((strstr(value, "hosts") ? VX_WHERE_HOSTS : 0)
             | (strstr(value, "gateway") ? VX_WHERE_GATEWAY : 0)
             | (strstr(value, "flowspec") ? VX_WHERE_FLOWSPEC : 0)
             | (strstr(value, "moon") ? 8 : 0));
    } else {
        return match_member(fx, name, value);
    }
    return true;
}

static bool
gateway_member(struct fx_op *fx, const char *name, const char *value)
{
    struct vx_gateway_spec *spec = &fx->op.spec.gateway;

    if (!strcmp(name, "host")) {
        spec->host = value;
    } else if (!strcmp(name, "as")) {
        spec->as = parse_number(value);
    } else if (!strcmp(name, "router_id")) {
        spec->router_id = parse_ip(value);
    } else {
        return false;
    }
    return true;
}

static uint8_t
parse_family(const char *value)
{
    static const char *const families[] = {
        "ipv4", "ipv6", "vpnv4", "vpnv6", "evpn", "flowspec",
    };

    for (unsigned i = 0; i < 6; i++) {
        if (!strcmp(value, families[i])) {
            return (uint8_t) (1 << i);
        }
    }
    fail_msg("no family \"%s\"", value);
    return 0;
}

static bool
peering_list(struct fx_op *fx, const char *name, char *value)
{
    struct vx_peering *p = &fx->op.spec.peering.value;

    if (!strcmp(name, "family")) {
        p->families |= parse_family(value);
    } else if (!strcmp(name, "community")) {
        p->communities = fx->communities;
        fx->communities[p->n_communities++] = parse_number(value) << 16
            | parse_number(strchr(value, ':') + 1);
    } else if (!strcmp(name, "import")) {
        p->imports = fx->prefixes[0];
        fx->prefixes[0][p->n_imports++] = parse_any_prefix(value);
    } else if (!strcmp(name, "export")) {
        p->exports = fx->prefixes[1];
        fx->prefixes[1][p->n_exports++] = parse_any_prefix(value);
    } else if (!strcmp(name, "local")) {
        p->locals = fx->prefixes[2];
        fx->prefixes[2][p->n_locals++] = parse_any_prefix(value);
    } else {
        return false;
    }
    return true;
}

static bool
peering_number(struct vx_peering *p, const char *name, const char *value)
{
    uint32_t number = parse_number(value);

    if (!strcmp(name, "peer_as")) {
        p->peer_as = number;
    } else if (!strcmp(name, "local_as")) {
        p->local_as = number;
    } else if (!strcmp(name, "hold")) {
        p->hold_s = (uint16_t) number;
    } else if (!strcmp(name, "multihop")) {
        p->multihop = (uint8_t) number;
    } else if (!strcmp(name, "med")) {
        p->has_med = true;
        p->med = number;
    } else if (!strcmp(name, "pref")) {
        p->local_pref = number;
    } else if (!strcmp(name, "limit")) {
        p->prefix_limit = number;
    } else {
        return false;
    }
    return true;
}

static bool
peering_member(struct fx_op *fx, const char *name, char *value)
{
    struct vx_peering_spec *spec = &fx->op.spec.peering;
    struct vx_peering *p = &spec->value;

    if (!strcmp(name, "gateway")) {
        spec->gateway = value;
    } else if (!strcmp(name, "keep")) {
        spec->keep_password = is_yes(value);
    } else if (!strcmp(name, "password")) {
        p->password = value;
    } else if (!strcmp(name, "device")) {
        p->device = value;
    } else if (!strcmp(name, "peer")) {
        p->peer = parse_ip(value);
    } else if (!strcmp(name, "source")) {
        p->source = parse_ip(value);
    } else if (!strcmp(name, "bfd")) {
        p->bfd = is_yes(value);
    } else if (!strcmp(name, "readvertise")) {
        p->readvertise = is_yes(value);
    } else if (!strcmp(name, "flowspec_in")) {
        p->flowspec_in = is_yes(value);
    } else {
        return peering_list(fx, name, value)
               || peering_number(p, name, value);
    }
    return true;
}

static bool
any_member(struct fx_op *fx, const char *name, const char *value)
{
    if (!strcmp(name, "description")) {
        fx->op.description = value;
    } else if (!strcmp(name, "if_match")) {
        fx->op.if_match = parse_number(value);
    } else if (!strcmp(name, "new")) {
        fx->op.if_none_match = !strcmp(value, "yes");
    } else if (!strcmp(name, "origin")) {
        fx->op.origin = !strcmp(value, "system") ? VX_BY_SYSTEM
                        : !strcmp(value, "learned") ? VX_BY_BGP
                        : VX_BY_OPERATOR;
    } else {
        return false;
    }
    return true;
}

static void
parse_member(struct fx_op *fx, char *word)
{
    char *value = strchr(word, '=');
    bool ok = false;

    assert_non_null(value);
    *value++ = '\0';
    switch (fx->op.kind) {
    case VX_ZONE:
        ok = zone_member(fx, word, value);
        break;
    case VX_ROUTE:
        ok = route_member(fx, word, value);
        break;
    case VX_POLICY:
        ok = policy_member(fx, word, value);
        break;
    case VX_HOST:
        ok = host_member(fx, word, value);
        break;
    case VX_TENANT:
        ok = tenant_member(fx, word, value);
        break;
    case VX_NETWORK:
        ok = network_member(fx, word, value);
        break;
    case VX_SUBNET:
        ok = subnet_member(fx, word, value);
        break;
    case VX_PORT:
        ok = port_member(fx, word, value);
        break;
    case VX_GATEWAY:
        ok = gateway_member(fx, word, value);
        break;
    case VX_PEERING:
    case VX_UPLINK:
        ok = peering_member(fx, word, value);
        break;
    default:
        break;
    }
    if (!ok && !any_member(fx, word, value)) {
        fail_msg("no member \"%s\"", word);
    }
}

void
fx_parse(struct fx_op *fx, const char *line)
{
    char *save = NULL, *word;

    memset(fx, 0, sizeof *fx);
    assert_true(strlen(line) < sizeof fx->text);
    strcpy(fx->text, line);
    fx->op.type = parse_verb(strtok_r(fx->text, " ", &save));
    fx->op.kind = parse_kind(strtok_r(NULL, " ", &save));
    parse_path(&fx->op, strtok_r(NULL, " ", &save));
    if (fx->op.kind == VX_POLICY) {
        fx->op.spec.policy.action = VX_POLICY_DROP;
        fx->op.spec.policy.match.proto = -1;
        fx->op.spec.policy.match.dscp = -1;
    }
    while ((word = strtok_r(NULL, " ", &save))) {
        parse_member(fx, word);
    }
}

const void *
fx_do(struct vx_model *model, const char *line)
{
    struct vx_error err;
    struct vx_result result = { .obj = NULL };
    struct fx_op fx;

    fx_parse(&fx, line);
    if (!vx_model_apply(model, &fx.op, 1, FX_NOW_MS, &result, NULL, &err)) {
        fail_msg("%s: %s", line, err.message);
    }
    return result.obj;
}

void
fx_refused(struct vx_model *model, const char *line, enum vx_err_code code,
           const char *field, const char *part)
{
    uint64_t revision = vx_model_revision(model);
    uint64_t last_oid = vx_model_last_oid(model);
    struct vx_error err = { .code = VX_OK };
    struct fx_op fx;
    size_t failed = 99;

    fx_parse(&fx, line);
    if (vx_model_apply(model, &fx.op, 1, FX_NOW_MS, NULL, &failed, &err)) {
        fail_msg("%s: not refused", line);
    }
    if (err.code != code || strcmp(err.field, field)
        || !strstr(err.message, part)) {
        fail_msg("%s: got %s \"%s\": %s", line, vx_err_name(err.code),
                 err.field, err.message);
    }
    assert_int_equal(failed, 0);
    assert_int_equal(vx_model_revision(model), revision);
    assert_int_equal(vx_model_last_oid(model), last_oid);
}

struct vx_model *
fx_new_model(void)
{
    struct vx_model_config config = { .mac_prefix = 0x0a };

    return vx_model_new(&config);
}

struct vx_model *
fx_small_fabric(void)
{
    struct vx_model *model = fx_new_model();

    fx_do(model, "put zone z");
    fx_do(model, "put host h1 zone=z system_id=s1 vtep=192.0.2.1 mtu=1500");
    fx_do(model, "put host h2 zone=z system_id=s2 vtep=192.0.2.2 mtu=1500");
    fx_do(model, "put tenant acme");
    fx_do(model, "put network acme/web");
    fx_do(model, "put subnet acme/web/10.0.0.0/24");
    fx_do(model, "put subnet acme/web/fd00:1::/64");
    vx_model_commit(model);
    return model;
}
