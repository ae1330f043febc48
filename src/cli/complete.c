/* SPDX-License-Identifier: Apache-2.0 */
/* Completion. The shell's script is a few lines that ask
 * `netctl __complete WORD...`; what could stand for the last word is worked
 * out here, from the command table, and from the controller where names are
 * wanted. Never prints an error, never takes longer than a second or two. */
#include "cli/commands.h"

#include <string.h>

#include "api/hooks.h"
#include "cli/cli.h"

enum { COMPLETE_TIMEOUT_S = 1, COMPLETE_NAMES = 1000 };

struct completion {
    struct vx_cli cli;          /* out; a client only while names are asked */
    const char *prefix;         /* the word as typed so far */
    const struct vx_cli_kind *kind;     /* of the names that are listed */
    const char *suffix;         /* "/" if the name goes on */
    bool last_part;             /* offer that only, not the full name */
};

static void
offer(const struct completion *c, const char *candidate, const char *suffix)
{
    if (!strncmp(candidate, c->prefix, strlen(c->prefix))) {
        fprintf(c->cli.out, "%s%s\n", candidate, suffix);
    }
}

static bool
offer_item(void *aux, const cJSON *item)
{
    struct completion *c = aux;
    struct vx_buf name = VX_BUF_INIT;

    if (c->last_part) {
        vx_cli_put_text(&name, cJSON_GetObjectItemCaseSensitive(item,
                                                                "name"));
    } else {
        vx_cli_put_name(&name, c->kind, item);
    }
    offer(c, vx_buf_str(&name), c->suffix);
    vx_buf_fini(&name);
    return true;
}

/* Names of a kind below scope, as many as a page of the controller has. */
static void
offer_names(struct completion *c, const struct vx_cli_kind *kind,
            const char *scope, const char *suffix)
{
    struct vx_cli_name name;
    struct vx_buf path = VX_BUF_INIT;
    struct vx_error err;

    if (!vx_cli_scope_parse(kind, scope, &name, &err)) {
        return;
    }
    c->kind = kind;
    c->suffix = suffix;
    vx_cli_name_path(&path, &name);
    c->cli.client = vx_cli_client_new(vx_cli_server(&c->cli.args),
                                      COMPLETE_TIMEOUT_S, &err);
    if (c->cli.client) {
        const struct vx_cli_listing listing = {
            .path = vx_buf_str(&path), .page_size = COMPLETE_NAMES,
            .first_page_only = true, .each = offer_item, .aux = c,
        };
        long status;

        vx_cli_list_all(&c->cli, &listing, &status, &err);
    }
    vx_cli_client_free(c->cli.client);
    c->cli.client = NULL;
    vx_buf_fini(&path);
    vx_cli_name_fini(&name);
}

/* A full name, part by part: tenants, then networks of the tenant, then the
 * objects of the network (unless that is to be a new name). */
static void
offer_full_name(struct completion *c, const struct vx_cli_kind *kind,
                bool last_too)
{
    static const struct vx_cli_kind *const levels[] = {
        &vx_cli_tenant, &vx_cli_network,
    };
    size_t depth = vx_cli_kind_depth(kind), level = 0;
    const char *end = c->prefix;
    char scope[160];

    for (const char *p = c->prefix; *p && level + 1 < depth; p++) {
        if (*p == '/') {
            level++;
            end = p;
        }
    }
    snprintf(scope, sizeof scope, "%.*s", (int) (end - c->prefix),
             c->prefix);
    if (level + 1 < depth) {
        offer_names(c, levels[level], scope, "/");
    } else if (last_too) {
        offer_names(c, kind, scope, "");
    }
}

static void
offer_word(struct completion *c)
{
    const struct vx_cli_command *command = c->cli.args.command;
    const struct vx_cli_args *args = &c->cli.args;
    bool is_new = command->verb == VX_CLI_ADD;

    if (args->n_words >= command->max_words) {
        return;
    }
    if (command->run == vx_cli_do_audit) {
        offer_names(c, &vx_cli_host, "", "");
    } else if (!command->kind) {
        offer(c, "bash", "");
    } else if (command->run == vx_cli_do_hook_test) {
        for (size_t i = 0; i < VX_N_EVENTS; i++) {
            offer(c, vx_api_event_names[i], "");
        }
    } else if (command->run == vx_cli_do_hook_retry) {
        offer(c, "dead", "");
        offer_names(c, command->kind, "", "");
    } else if (args->n_words && !is_new) {
        c->last_part = true;            /* the CIDR of a subnet */
        offer_names(c, command->kind, args->words[0], "");
    } else if (args->n_words) {
        return;
    } else if (command->kind == &vx_cli_subnet ||
               (command->verb == VX_CLI_LIST &&
                command->kind == &vx_cli_port)) {
        offer_full_name(c, &vx_cli_network, true);
    } else if (command->kind->flat) {
        if (!strchr(c->prefix, '/') && command->verb != VX_CLI_LIST
            && !is_new) {
            offer_names(c, command->kind->flat, "", "");
        }
        offer_full_name(c, command->verb == VX_CLI_LIST
                           ? &vx_cli_tenant : command->kind, !is_new ||
                        command->verb == VX_CLI_LIST);
    } else if (command->verb == VX_CLI_LIST ||
               command->kind == &vx_cli_bgp ||
               command->kind == &vx_cli_route ||
               command->kind == &vx_cli_policy) {
        offer_full_name(c, &vx_cli_tenant, true);
    } else {
        offer_full_name(c, command->kind, !is_new);
    }
}

#define OFFER_ALL(TEXTS)                                          \
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {   \
        offer(c, TEXTS[i], "");                                   \
    }

/* False if the values are none of gateways'. */
static bool
offer_bgp_values(struct completion *c, const struct vx_cli_opt *opt)
{
    static const char *const gateway_states[] = {
        "active", "building", "degraded", "down",
    };
    static const char *const session_states[] = {
        "idle", "connect", "active", "opensent", "openconfirm",
        "established", "unknown",
    };
    static const char *const families[] = {
        "ipv4", "ipv6", "vpnv4", "vpnv6", "evpn", "flowspec",
    };
    static const char *const communities[] = {
        "no-export", "no-advertise", "no-export-subconfed", "no-peer",
        "graceful-shutdown", "accept-own", "llgr-stale", "no-llgr",
        "blackhole",
    };
    static const char *const places[] = { "hosts", "gateway", "flowspec" };
    static const char *const origins[] = { "operator", "system", "learned" };

    switch (opt->values) {
    case VX_CLI_GATEWAYS: offer_names(c, &vx_cli_gateway, "", ""); break;
    case VX_CLI_GATEWAY_STATES: OFFER_ALL(gateway_states); break;
    case VX_CLI_SESSION_STATES: OFFER_ALL(session_states); break;
    case VX_CLI_FAMILIES: OFFER_ALL(families); break;
    case VX_CLI_COMMUNITIES: OFFER_ALL(communities); break;
    case VX_CLI_PLACES: OFFER_ALL(places); break;
    case VX_CLI_ORIGINS: OFFER_ALL(origins); break;
    default: return false;
    }
    return true;
}

static void
offer_values(struct completion *c, const struct vx_cli_opt *opt)
{
    static const char *const states[] = {
        "pending", "building", "active", "degraded", "down",
    };
    static const char *const run_states[] = {
        "waiting", "running", "done", "dead",
    };

    static const char *const hops_states[] = {
        "active", "degraded", "unresolved", "down",
    };
    static const char *const paths[] = { "direct", "border" };
    static const char *const fails[] = { "open", "closed" };
    static const char *const actions[] = {
        "via:", "drop", "dscp:", "rate:", "gateway",
    };

    if (offer_bgp_values(c, opt)) {
        return;
    }
    switch (opt->values) {
    case VX_CLI_HOPS_STATES: OFFER_ALL(hops_states); break;
    case VX_CLI_PATHS: OFFER_ALL(paths); break;
    case VX_CLI_FAILS: OFFER_ALL(fails); break;
    case VX_CLI_ACTIONS: OFFER_ALL(actions); break;
    case VX_CLI_FORMATS:
        for (size_t i = 0; vx_cli_formats[i]; i++) {
            offer(c, vx_cli_formats[i]->name, "");
        }
        break;
    case VX_CLI_STATES:
        OFFER_ALL(states);
        break;
    case VX_CLI_RUN_STATES:
        OFFER_ALL(run_states);
        break;
    case VX_CLI_HOSTS: offer_names(c, &vx_cli_host, "", ""); break;
    case VX_CLI_ZONES: offer_names(c, &vx_cli_zone, "", ""); break;
    case VX_CLI_TENANTS: offer_names(c, &vx_cli_tenant, "", ""); break;
    default: break;                     /* the shell's own */
    }
}

static void
offer_opts(struct completion *c)
{
    const struct vx_cli_command *command = c->cli.args.command;
    const struct vx_cli_opt *o = NULL;
    char text[48];

    while (command && (o = vx_cli_opt_next(command, o))) {
        snprintf(text, sizeof text, "--%s", o->name);
        offer(c, text, "");
    }
    for (o = vx_cli_global_opts; o->name; o++) {
        snprintf(text, sizeof text, "--%s", o->name);
        offer(c, text, "");
    }
}

static void
offer_commands(struct completion *c)
{
    const char *object = c->cli.args.object, *last = "";

    for (const struct vx_cli_command *k = vx_cli_commands; k->name; k++) {
        const char *candidate = object ? k->name
            : k->object ? k->object : k->name;

        if (object && (!k->object || strcmp(k->object, object))) {
            continue;
        }
        if (strcmp(candidate, last)) {
            offer(c, candidate, "");
        }
        last = candidate;
    }
}

int
vx_cli_complete(int argc, char **argv, FILE *out)
{
    struct completion c = { .cli = { .out = out }, .suffix = "" };
    const struct vx_cli_opt *waiting;
    struct vx_error err;

    if (argc < 2) {
        return VX_CLI_DONE;
    }
    c.prefix = argv[argc - 1];
    /* What stands before: unfinished, so that errors mean nothing here. */
    vx_cli_args_parse(argc - 1, argv, &c.cli.args, &err);
    waiting = c.cli.args.waiting;
    if (waiting) {
        offer_values(&c, waiting);
    } else if (c.prefix[0] == '-') {
        offer_opts(&c);
    } else if (!c.cli.args.command) {
        offer_commands(&c);
    } else if (!c.cli.args.command->is_local) {
        offer_word(&c);
    }
    vx_cli_args_fini(&c.cli.args);
    return VX_CLI_DONE;
}

int
vx_cli_do_completion(struct vx_cli *cli)
{
    struct vx_error err;

    if (strcmp(cli->args.words[0], "bash") != 0) {
        vx_fail(&err, VX_INVALID, "", "no completion for the shell "
                "\"%.50s\", only for bash", cli->args.words[0]);
        return vx_cli_misused(cli, &err);
    }
    /* Words are cut at spaces, not at COMP_WORDBREAKS: names have slashes
     * and colons. What bash takes for the start of the word is removed from
     * the answers again. */
    fputs("# bash completion for netctl\n"
          "_netctl()\n"
          "{\n"
          "    local line=\"${COMP_LINE:0:COMP_POINT}\" cur reply\n"
          "    local -a words\n"
          "    read -ra words <<< \"$line\"\n"
          "    [[ $line == *[[:space:]] ]] && words+=('')\n"
          "    cur=\"${words[${#words[@]}-1]}\"\n"
          "    COMPREPLY=()\n"
          "    while IFS= read -r reply; do\n"
          "        COMPREPLY+=(\"${reply#\"${cur%\"${cur##*[:=]}\"}\"}\")\n"
          "    done < <(\"${words[0]}\" __complete \"${words[@]:1}\" "
          "2>/dev/null)\n"
          "    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; "
          "then\n"
          "        compopt -o nospace\n"
          "    fi\n"
          "}\n"
          "complete -o default -F _netctl netctl\n", cli->out);
    return VX_CLI_DONE;
}
