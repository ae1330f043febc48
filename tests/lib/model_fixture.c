/* SPDX-License-Identifier: Apache-2.0 */
/* Operations as lines of text; see model_fixture.h. */
#include "tests/lib/model_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
    return !strcmp(s, "vni") ? VX_RETIRED_VNI : VX_NONE;
}

static void
parse_path(struct vx_op *op, char *path)
{
    const char **parts[3] = { &op->key.tenant, &op->key.network,
                              &op->key.name };
    unsigned first = op->kind == VX_SUBNET || op->kind == VX_PORT ? 0
                     : op->kind == VX_NETWORK || op->kind == VX_ROUTE
                       || op->kind == VX_POLICY ? 1 : 2;

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
    } else {
        return match_member(fx, name, value);
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
