/* SPDX-License-Identifier: Apache-2.0 */
/* `netctl host join`: makes this machine a host of the fabric.
 *
 * Finds the underlay (underlay.c), writes who we are and where the controller
 * is into the local OVSDB in one transaction (host_plan.c), and waits for the
 * controller's word in external_ids:vxfabric-status. From then on the
 * controller does everything over OVSDB and OpenFlow. A second run with the
 * same words writes nothing, unless the host was refused: then it takes the
 * status away, which asks the controller anew, as any change does. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/host_plan.h"
#include "cli/ovsdb_client.h"
#include "cli/underlay.h"
#include "lib/addr.h"
#include "lib/clock.h"
#include "lib/xalloc.h"

enum {
    OVSDB_PORT = 6640,          /* of the controller */
    ANSWER_MS = 10000,          /* for the local ovsdb-server */
    SLICE_MS = 1000,            /* of waiting, then is_connected again */
    WAIT_S = 30,
    TENANT_MTU = 1450,
    MTU_MIN = 576, MTU_MAX = 65535,
    OVERHEAD4 = 50, OVERHEAD6 = 70,     /* Ethernet, IP, UDP, VXLAN */
    UUID_SIZE = 37,
};

/* A join on its way. */
struct joining {
    struct vx_cli *cli;
    struct vx_ovsdb_client *db;
    cJSON *selected;            /* what rows borrows from */
    struct vx_host_rows rows;
    struct vx_underlay underlay;
    struct vx_join join;        /* what is written */
    struct vx_ip controller;
    unsigned long long tenant_mtu, wait_s;
    char name[256], target[VX_IP_STRLEN + 16], vtep[VX_IP_STRLEN], mtu[16];
    char system_id[UUID_SIZE];
    bool has_changed;
    char status[300];           /* "active", "joining: ..." */
    bool is_connected;
};

static void
say(const struct vx_cli *cli, const char *text)
{
    struct vx_buf safe = VX_BUF_INIT;

    vx_cli_put_safe(&safe, text);
    fprintf(cli->err, "netctl: %s\n", vx_buf_str(&safe));
    vx_buf_fini(&safe);
}

/* --- The command line. */

/* tcp:IP, tcp:IP:PORT, tcp:[IP6]:PORT */
static bool
parse_controller(struct joining *j, const char *addr, struct vx_error *err)
{
    const char *rest = addr, *port = NULL;
    unsigned long long number = OVSDB_PORT;
    char host[VX_IP_STRLEN], text[VX_IP_STRLEN];
    size_t n;

    if (strncmp(addr, "tcp:", 4)) {
        return vx_fail(err, VX_INVALID, "controller", "--controller: "
                       "\"%.100s\" is not tcp:IP[:PORT]", addr);
    }
    rest += 4;
    if (rest[0] == '[') {
        n = strcspn(++rest, "]");
        port = rest[n] && rest[n + 1] == ':' ? rest + n + 2 : NULL;
        if (!rest[n] || (rest[n + 1] && !port)) {
            n = sizeof host;
        }
    } else {
        const char *colon = strchr(rest, ':');

        port = colon && !strchr(colon + 1, ':') ? colon + 1 : NULL;
        n = port ? (size_t) (port - 1 - rest) : strlen(rest);
    }
    n = n < sizeof host ? n : 0;
    memcpy(host, rest, n);
    host[n] = '\0';
    if (!vx_ip_parse(host, &j->controller)) {
        return vx_fail(err, VX_INVALID, "controller", "--controller: no IP "
                       "address in \"%.100s\"; names are not looked up, "
                       "since the resolver may be behind the fabric", addr);
    }
    if (port && (!vx_cli_number(port, "controller", 65535, &number, err)
                 || !number)) {
        return vx_fail(err, VX_INVALID, "controller",
                       "--controller: \"%.20s\" is no port", port);
    }
    vx_ip_format(&j->controller, text);
    snprintf(j->target, sizeof j->target, j->controller.family == 6
             ? "tcp:[%s]:%llu" : "tcp:%s:%llu", text, number);
    j->join.target = j->target;
    return true;
}

static bool
wanted(const struct vx_cli_args *args, const char *name, const char **ret,
       struct vx_error *err)
{
    *ret = vx_cli_args_get(args, name);
    return (*ret && **ret)
           || vx_fail(err, VX_INVALID, name, "--%s is missing", name);
}

static bool
parse_options(struct joining *j, struct vx_error *err)
{
    const struct vx_cli_args *args = &j->cli->args;
    const char *controller, *name = vx_cli_args_get(args, "name");
    const char *datapath = vx_cli_args_get(args, "datapath");

    j->tenant_mtu = TENANT_MTU;
    j->wait_s = WAIT_S;
    if (!wanted(args, "controller", &controller, err)
        || !wanted(args, "zone", &j->join.zone, err)
        || !parse_controller(j, controller, err)
        || !vx_cli_args_number(args, "tenant-mtu", MTU_MAX, &j->tenant_mtu,
                               err)
        || !vx_cli_args_number(args, "wait", 86400, &j->wait_s, err)) {
        return false;
    }
    if (j->tenant_mtu < MTU_MIN) {
        return vx_fail(err, VX_INVALID, "tenant-mtu",
                       "--tenant-mtu: at least %d", MTU_MIN);
    }
    if (datapath && strcmp(datapath, "netdev")
        && strcmp(datapath, "system")) {
        return vx_fail(err, VX_INVALID, "datapath", "--datapath: \"%.40s\" "
                       "is neither netdev nor system", datapath);
    }
    j->join.datapath = datapath;
    if (!name) {
        if (gethostname(j->name, sizeof j->name - 1) || !j->name[0]) {
            return vx_fail(err, VX_INVALID, "name",
                           "this machine has no host name: give --name");
        }
    } else if (!name[0] || strlen(name) >= sizeof j->name) {
        return vx_fail(err, VX_INVALID, "name", "--name: %s",
                       name[0] ? "too long" : "empty");
    } else {
        snprintf(j->name, sizeof j->name, "%s", name);
    }
    j->join.name = j->name;
    return true;
}

/* --- Facts of this machine. */

static bool
read_rows(struct joining *j, struct vx_error *err)
{
    cJSON *ops = vx_host_select();
    cJSON *selected = vx_ovsdb_transact(j->db, ops, ANSWER_MS, err);

    cJSON_Delete(ops);
    if (!selected) {
        return false;
    }
    cJSON_Delete(j->selected);
    j->selected = selected;
    j->rows = (struct vx_host_rows) {
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(selected, 0),
                                         "rows"),
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(selected, 1),
                                         "rows"),
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(selected, 2),
                                         "rows"),
    };
    if (cJSON_GetArraySize(j->rows.root) != 1) {
        return vx_fail(err, VX_UNAVAILABLE, "db", "the database of Open "
                       "vSwitch is not initialised: start ovs-vswitchd, or "
                       "run ovs-vsctl --no-wait init");
    }
    return true;
}

static void
random_uuid(char ret_uuid[UUID_SIZE])
{
    uint8_t b[16];

    if (getrandom(b, sizeof b, 0) != (ssize_t) sizeof b) {
        abort();                    /* cannot be for 16 bytes */
    }
    b[6] = (uint8_t) ((b[6] & 0x0f) | 0x40);    /* version 4, RFC 4122 */
    b[8] = (uint8_t) ((b[8] & 0x3f) | 0x80);
    for (int i = 0, at = 0; i < 16; i++) {
        at += snprintf(ret_uuid + at, (size_t) (UUID_SIZE - at), "%s%02x",
                       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                       b[i]);
    }
}

static void
choose_datapath(struct joining *j)
{
    const char *before = vx_host_id(&j->rows, "vxfabric-datapath");

    if (j->join.datapath) {
        return;
    }
    if (before && (!strcmp(before, "netdev") || !strcmp(before, "system"))) {
        j->join.datapath = before[0] == 'n' ? "netdev" : "system";
    } else {
        j->join.datapath = access("/sys/module/openvswitch", F_OK)
                           ? "netdev" : "system";
    }
}

static bool
check_mtu(const struct joining *j, struct vx_error *err)
{
    const char *device = j->underlay.device;
    unsigned overhead = j->underlay.vtep.family == 6 ? OVERHEAD6 : OVERHEAD4;
    unsigned has = j->underlay.mtu;
    unsigned long long need = j->tenant_mtu + overhead;
    char hint[120];

    if (has >= need) {
        return true;
    }
    snprintf(hint, sizeof hint, vx_host_bridge_datapath(&j->rows, device)
             ? "ovs-vsctl set Interface %s mtu_request=%llu"
             : "ip link set %s mtu %llu", device, need);
    return vx_fail(err, VX_INVALID, "mtu", "the underlay takes %u bytes "
                   "(%s), tenants' %llu bytes need %llu: %s, and on the "
                   "switches too, or --tenant-mtu %u", has, device,
                   j->tenant_mtu, need, hint,
                   has > overhead ? has - overhead : 0);
}

static bool
find_underlay(struct joining *j, struct vx_error *err)
{
    const char *text = vx_cli_args_get(&j->cli->args, "vtep");
    struct vx_ip vtep;

    if (text && (!vx_ip_parse(text, &vtep) || !vx_ip_is_host(&vtep)
                 || vx_ip_is_link_local(&vtep))) {
        return vx_fail(err, VX_INVALID, "vtep", "--vtep: \"%.60s\" is no "
                       "address that tunnels can use", text);
    }
    if (!vx_underlay_find(&j->controller, text ? &vtep : NULL, &j->underlay,
                          err)) {
        return false;
    }
    if (!check_mtu(j, err)) {
        return false;
    }
    j->join.vtep = vx_ip_format(&j->underlay.vtep, j->vtep);
    snprintf(j->mtu, sizeof j->mtu, "%u", j->underlay.mtu);
    j->join.mtu = j->mtu;
    return true;
}

/* The userspace datapath sends what it has put into VXLAN by itself, through
 * one of its own bridges: an address the kernel has is of no use to it. */
static void
check_datapath(const struct joining *j)
{
    const char *device = j->underlay.device;
    const char *type = vx_host_bridge_datapath(&j->rows, device);

    if (strcmp(j->join.datapath, "netdev")
        || (type && !strcmp(type, "netdev"))) {
        return;
    }
    fprintf(j->cli->err,
            "netctl: warning: the VTEP address %s is on %s, which is %s. The "
            "userspace datapath sends tunnel packets through a bridge of its "
            "own only, so other hosts will not be reached. Put the device "
            "into one and move the address there:\n"
            "  ovs-vsctl add-br br-phy -- set Bridge br-phy "
            "datapath_type=netdev -- add-port br-phy %s\n"
            "  ip addr flush dev %s; ip addr add %s/PREFIX dev br-phy; ip "
            "link set br-phy up\n"
            "or use the kernel datapath (--datapath system).\n",
            j->vtep, device, type ? "a bridge of the kernel datapath"
                                  : "no bridge of Open vSwitch",
            device, device, j->vtep);
}

/* --- Waiting. */

/* Back when external_ids differ from what was read, or after ms. */
static bool
wait_for_change(struct joining *j, int64_t ms, struct vx_error *err)
{
    cJSON *ops = cJSON_CreateArray(), *op = cJSON_CreateObject(), *row, *rows;
    cJSON *result;

    cJSON_AddItemToArray(ops, op);
    cJSON_AddStringToObject(op, "op", "wait");
    cJSON_AddNumberToObject(op, "timeout", (double) ms);
    cJSON_AddStringToObject(op, "table", "Open_vSwitch");
    cJSON_AddArrayToObject(op, "where");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(op, "columns"),
                         cJSON_CreateString("external_ids"));
    cJSON_AddStringToObject(op, "until", "!=");
    rows = cJSON_AddArrayToObject(op, "rows");
    row = cJSON_CreateObject();
    cJSON_AddItemToArray(rows, row);
    cJSON_AddItemToObject(row, "external_ids", cJSON_Duplicate(
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(j->rows.root, 0),
                                         "external_ids"), true));
    result = vx_ovsdb_transact(j->db, ops, (int) ms + ANSWER_MS, err);
    cJSON_Delete(ops);
    cJSON_Delete(result);
    return result != NULL || strstr(err->message, "timed out");
}

static bool
starts_with(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

/* Reads until the controller has said yes or no, or the time is over. A
 * word found at the start counts only from a controller that is there. */
static bool
await_status(struct joining *j, struct vx_error *err)
{
    int64_t deadline = vx_clock_ms() + (int64_t) j->wait_s * 1000, left;
    char told[sizeof j->status] = "";

    for (;;) {
        const char *status;
        bool is_final;

        if (!read_rows(j, err)) {
            return false;
        }
        status = vx_host_id(&j->rows, VX_ID_STATUS);
        snprintf(j->status, sizeof j->status, "%s", status ? status : "");
        j->is_connected = vx_host_is_connected(&j->rows);
        is_final = !strcmp(j->status, "active")
                   || starts_with(j->status, "refused");
        left = deadline - vx_clock_ms();
        if (left <= 0 || (is_final && (j->has_changed || j->is_connected))) {
            return true;
        }
        if (j->status[0] && !is_final && strcmp(j->status, told)) {
            strcpy(told, j->status);
            say(j->cli, j->status);
        }
        if (!wait_for_change(j, left < SLICE_MS ? left : SLICE_MS, err)) {
            return false;
        }
    }
}

/* --- What is said in the end. */

/* Splits "refused: reason". */
static void
put_status(cJSON *doc, const char *status)
{
    size_t n = strcspn(status, ":");
    char state[40];

    snprintf(state, sizeof state, "%.*s", (int) n, status);
    cJSON_AddStringToObject(doc, "status", status[0] ? state : "pending");
    status += n + (status[n] != '\0');
    cJSON_AddStringToObject(doc, "reason", status + strspn(status, " "));
}

static void
show(const struct joining *j, const cJSON *ops)
{
    const char *system_id = vx_host_id(&j->rows, VX_ID_SYSTEM);
    cJSON *doc = cJSON_CreateObject();

    cJSON_AddStringToObject(doc, "name", j->join.name);
    cJSON_AddStringToObject(doc, "zone", j->join.zone);
    cJSON_AddStringToObject(doc, "vtep", j->join.vtep);
    cJSON_AddStringToObject(doc, "device", j->underlay.device);
    cJSON_AddNumberToObject(doc, "mtu", j->underlay.mtu);
    cJSON_AddStringToObject(doc, "datapath", j->join.datapath);
    cJSON_AddStringToObject(doc, "system_id",
                            system_id ? system_id : j->system_id);
    cJSON_AddStringToObject(doc, "controller", j->join.target);
    cJSON_AddBoolToObject(doc, "changed", j->has_changed);
    put_status(doc, j->status);
    if (vx_cli_args_has(&j->cli->args, "dry-run")) {
        cJSON_AddItemToObject(doc, "operations", cJSON_Duplicate(ops, true));
    }
    vx_cli_write_one(j->cli->format, j->cli->out, &vx_cli_host,
                     VX_CLI_DETAIL, doc);
    cJSON_Delete(doc);
}

/* The exit status, with the reason on stderr. */
static int
conclude(const struct joining *j)
{
    struct vx_buf text = VX_BUF_INIT;
    int exit_status;

    if (!j->wait_s || !strcmp(j->status, "active")) {
        if (!j->wait_s || j->is_connected || j->has_changed) {
            return VX_CLI_DONE;
        }
    }
    vx_buf_puts(&text, "host ");
    vx_cli_put_safe(&text, j->join.name);
    if (starts_with(j->status, "refused")
        && (j->is_connected || j->has_changed)) {
        vx_buf_puts(&text, " is ");
        vx_cli_put_safe(&text, j->status);
        exit_status = VX_CLI_REFUSED;
    } else if (!j->is_connected && (!j->has_changed || !j->status[0])) {
        vx_buf_printf(&text, " has not reached a controller at %s; it goes "
                      "on trying", j->join.target);
        exit_status = VX_CLI_NO_CONTROLLER;
    } else {
        vx_buf_printf(&text, " is not active after %llu s: ", j->wait_s);
        vx_cli_put_safe(&text, j->status[0] ? j->status
                        : "the controller has not said why");
        exit_status = VX_CLI_NOT_REALIZED;
    }
    fprintf(j->cli->err, "netctl: %s\n", vx_buf_str(&text));
    vx_buf_fini(&text);
    return exit_status;
}

/* Writes, unless all is there or it is a dry run. */
static bool
write_plan(struct joining *j, const cJSON *ops, struct vx_error *err)
{
    cJSON *result;

    j->has_changed = cJSON_GetArraySize(ops) > 0;
    if (!j->has_changed || vx_cli_args_has(&j->cli->args, "dry-run")) {
        return true;
    }
    result = vx_ovsdb_transact(j->db, ops, ANSWER_MS, err);
    cJSON_Delete(result);
    return result != NULL;
}

static int
run(struct joining *j, const char *db)
{
    bool is_dry = vx_cli_args_has(&j->cli->args, "dry-run");
    struct vx_error err = { .code = VX_OK };
    cJSON *ops = NULL;
    int exit_status;

    j->db = vx_ovsdb_open(db ? db : VX_OVSDB_DEFAULT, &err);
    if (!j->db || !read_rows(j, &err) || !find_underlay(j, &err)) {
        say(j->cli, err.message);
        return VX_CLI_REFUSED;
    }
    choose_datapath(j);
    check_datapath(j);
    random_uuid(j->system_id);
    j->join.system_id = j->system_id;
    ops = vx_join_plan(&j->rows, &j->join);
    if (!write_plan(j, ops, &err)
        || (!is_dry && !await_status(j, &err))) {
        say(j->cli, err.message);
        exit_status = VX_CLI_REFUSED;
    } else {
        show(j, ops);
        exit_status = is_dry ? VX_CLI_DONE : conclude(j);
    }
    cJSON_Delete(ops);
    return exit_status;
}

int
vx_cli_do_host_join(struct vx_cli *cli)
{
    struct joining j = { .cli = cli };
    struct vx_error err = { .code = VX_OK };
    int exit_status;

    if (!parse_options(&j, &err)) {
        return vx_cli_misused(cli, &err);
    }
    exit_status = run(&j, vx_cli_args_get(&cli->args, "db"));
    vx_ovsdb_close(j.db);
    cJSON_Delete(j.selected);
    return exit_status;
}
