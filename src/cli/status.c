/* SPDX-License-Identifier: Apache-2.0 */
/* `netctl status`: one page for the question "is all well, and if not, what
 * is it". Made from what the API gives: health, hosts, and one pass over the
 * lists. Not a source of truth of its own. */
#include "cli/commands.h"

#include <string.h>

#include "cli/cli.h"

enum { TOLD_MAX = 20 };     /* ports that are named; all are counted */

struct overview {
    cJSON *doc, *controller, *counts, *states, *hosts, *not_active;
    cJSON *gateways;
    cJSON *refused;         /* hosts that may not join */
    bool is_healthy;
    size_t n_ports, n_not_active, n_items;
};

static bool
count_item(void *aux, const cJSON *item)
{
    struct overview *o = aux;

    (void) item;
    o->n_items++;
    return true;
}

static bool
add_host(void *aux, const cJSON *item)
{
    struct overview *o = aux;

    cJSON_AddItemToArray(o->hosts, cJSON_Duplicate(item, true));
    return true;
}

static bool
add_gateway(void *aux, const cJSON *item)
{
    struct overview *o = aux;

    cJSON_AddItemToArray(o->gateways, cJSON_Duplicate(item, true));
    return true;
}

/* Few, and not paged. */
static bool
ask_refused(struct vx_cli *cli, struct overview *o, long *ret_status,
            struct vx_error *err)
{
    const struct vx_cli_request request = {
        .method = "GET", .path = "/v1/refused-hosts",
    };
    cJSON *doc = NULL;

    if (!vx_cli_call(cli, &request, ret_status, &doc, err)) {
        return false;
    }
    o->refused = cJSON_DetachItemFromObjectCaseSensitive(doc, "items");
    if (!cJSON_IsArray(o->refused)) {
        cJSON_Delete(o->refused);
        o->refused = cJSON_CreateArray();
    }
    cJSON_AddItemToObject(o->doc, "refused_hosts", o->refused);
    cJSON_Delete(doc);
    return true;
}

static bool
add_port(void *aux, const cJSON *item)
{
    struct overview *o = aux;
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(item, "status");
    const char *name = cJSON_IsString(status) ? status->valuestring
                                              : "unknown";
    cJSON *count = cJSON_GetObjectItemCaseSensitive(o->states, name);

    o->n_ports++;
    if (count) {
        cJSON_SetNumberValue(count, count->valuedouble + 1);
    } else {
        cJSON_AddNumberToObject(o->states, name, 1);
    }
    if (strcmp(name, "active") != 0 && o->n_not_active++ < TOLD_MAX) {
        cJSON_AddItemToArray(o->not_active, cJSON_Duplicate(item, true));
    }
    return true;
}

static bool
count_list(struct vx_cli *cli, struct overview *o, const char *plural,
           long *ret_status, struct vx_error *err)
{
    char path[32];
    const struct vx_cli_listing listing = {
        .path = path, .each = count_item, .aux = o,
    };

    snprintf(path, sizeof path, "/v1/%s", plural);
    o->n_items = 0;
    if (!vx_cli_list_all(cli, &listing, ret_status, err)) {
        return false;
    }
    cJSON_AddNumberToObject(o->counts, plural, (double) o->n_items);
    return true;
}

/* Health, with the version, which another path has. An unhealthy controller
 * says so in a reply of status 503. */
static bool
ask_controller(struct vx_cli *cli, struct overview *o, long *ret_status,
               struct vx_error *err)
{
    const struct vx_cli_request root = { .method = "GET", .path = "/v1" };
    const struct vx_cli_request health = {
        .method = "GET", .path = "/healthz", .any_status = true,
    };
    cJSON *index = NULL, *doc = NULL;
    const cJSON *version;

    if (!vx_cli_call(cli, &root, ret_status, &index, err)) {
        return false;
    }
    if (!vx_cli_call(cli, &health, ret_status, &doc, err)) {
        cJSON_Delete(index);
        return false;
    }
    doc = doc ? doc : cJSON_CreateObject();
    version = cJSON_GetObjectItemCaseSensitive(index, "version");
    if (cJSON_IsString(version)) {
        cJSON_AddStringToObject(doc, "version", version->valuestring);
    }
    o->is_healthy = *ret_status < 300;
    o->controller = doc;
    cJSON_Delete(index);
    return true;
}

static bool
collect(struct vx_cli *cli, struct overview *o, long *ret_status,
        struct vx_error *err)
{
    const struct vx_cli_listing hosts = {
        .path = "/v1/hosts", .each = add_host, .aux = o,
    };
    const struct vx_cli_listing gateways = {
        .path = "/v1/gateways", .each = add_gateway, .aux = o,
    };
    const struct vx_cli_listing ports = {
        .path = "/v1/ports", .each = add_port, .aux = o,
    };

    if (!ask_controller(cli, o, ret_status, err)) {
        return false;
    }
    o->doc = cJSON_CreateObject();
    cJSON_AddItemToObject(o->doc, "controller", o->controller);
    o->counts = cJSON_AddObjectToObject(o->doc, "counts");
    o->hosts = cJSON_AddArrayToObject(o->doc, "hosts");
    o->gateways = cJSON_AddArrayToObject(o->doc, "gateways");
    o->states = cJSON_AddObjectToObject(o->doc, "port_states");
    o->not_active = cJSON_AddArrayToObject(o->doc, "not_active");
    if (!count_list(cli, o, "zones", ret_status, err) ||
        !vx_cli_list_all(cli, &hosts, ret_status, err) ||
        !ask_refused(cli, o, ret_status, err) ||
        !vx_cli_list_all(cli, &gateways, ret_status, err) ||
        !count_list(cli, o, "tenants", ret_status, err) ||
        !count_list(cli, o, "networks", ret_status, err) ||
        !count_list(cli, o, "subnets", ret_status, err) ||
        !vx_cli_list_all(cli, &ports, ret_status, err)) {
        return false;
    }
    cJSON_AddNumberToObject(o->counts, "hosts",
                            cJSON_GetArraySize(o->hosts));
    cJSON_AddNumberToObject(o->counts, "gateways",
                            cJSON_GetArraySize(o->gateways));
    cJSON_AddNumberToObject(o->counts, "ports", (double) o->n_ports);
    return true;
}

static void
print_items(const struct vx_cli *cli, const struct vx_cli_kind *kind,
            const cJSON *items)
{
    struct vx_cli_writer w;
    const cJSON *item;

    vx_cli_writer_begin(&w, &vx_cli_format_table, cli->out, kind,
                        VX_CLI_ITEMS);
    cJSON_ArrayForEach(item, items) {
        vx_cli_writer_put(&w, item);
    }
    vx_cli_writer_end(&w);
}

static void
print_members(const struct vx_cli *cli, const char *title,
              const cJSON *object)
{
    struct vx_buf line = VX_BUF_INIT;

    for (const cJSON *m = object->child; m; m = m->next) {
        if (cJSON_IsString(m) && !*m->valuestring) {
            continue;
        }
        vx_buf_puts(&line, "  ");
        vx_cli_put_safe(&line, m->string);
        vx_buf_puts(&line, " ");
        vx_cli_put_text(&line, m);
    }
    fprintf(cli->out, "%-12s%s\n", title, line.size ? vx_buf_str(&line)
                                                    : "  -");
    vx_buf_fini(&line);
}

static void
print_page(const struct vx_cli *cli, const struct overview *o)
{
    print_members(cli, "controller", o->controller);
    print_members(cli, "counts", o->counts);
    print_members(cli, "ports", o->states);
    if (o->hosts->child) {
        fputc('\n', cli->out);
        print_items(cli, &vx_cli_host, o->hosts);
    }
    if (o->gateways->child) {
        fputc('\n', cli->out);
        print_items(cli, &vx_cli_gateway, o->gateways);
    }
    for (const cJSON *item = o->refused->child; item; item = item->next) {
        print_members(cli, "refused", item);
    }
    if (o->not_active->child) {
        fputc('\n', cli->out);
        print_items(cli, &vx_cli_port, o->not_active);
    }
    if (o->n_not_active > TOLD_MAX) {
        fprintf(cli->out, "and %zu more that are not active; \"netctl port "
                "list --status pending\" (building, degraded, down) names "
                "them\n", o->n_not_active - TOLD_MAX);
    }
}

int
vx_cli_do_status(struct vx_cli *cli)
{
    struct overview o = { .doc = NULL };
    struct vx_error err;
    long status;
    int exit_status = VX_CLI_DONE;

    if (!collect(cli, &o, &status, &err)) {
        exit_status = vx_cli_refused(cli, NULL, status, &err);
    } else if (cli->format == &vx_cli_format_table) {
        print_page(cli, &o);
    } else {
        vx_cli_write_one(cli->format, cli->out, NULL, VX_CLI_DETAIL, o.doc);
    }
    if (exit_status == VX_CLI_DONE && !o.is_healthy) {
        fprintf(cli->err, "netctl: the controller cannot commit changes\n");
        exit_status = VX_CLI_REFUSED;
    }
    cJSON_Delete(o.doc);
    return exit_status;
}
