/* SPDX-License-Identifier: Apache-2.0 */
/* The command table, and the options that verbs of all kinds share; see
 * table.h. What is particular to a kind of object is in its own file. */
#include "cli/table.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"

#define CHANGE (VX_CLI_ADD | VX_CLI_SET | VX_CLI_DEL)

const struct vx_cli_opt vx_cli_global_opts[] = {
    { .name = "server", .letter = 's', .metavar = "ADDR",
      .help = "controller: unix:PATH or tcp:IP:PORT (else $NETCTL_SERVER, "
              "else unix:/run/vxfabric/api.sock)" },
    { .name = "output", .letter = 'o', .metavar = "FORMAT",
      .help = "table (default), json, yaml or name",
      .values = VX_CLI_FORMATS },
    { .name = "timeout", .metavar = "SECONDS",
      .help = "give up on a silent controller after this (default 30)" },
    { .name = "help", .letter = 'h', .help = "explain the command" },
    { .name = "version", .help = "print the version" },
    { .name = NULL },
};

/* Options of the five verbs, whatever the kind. */
static const struct vx_cli_opt verb_opts[] = {
    { .name = "description", .metavar = "TEXT",
      .help = "free text, up to 255 bytes",
      .type = VX_CLI_TEXT, .key = "description",
      .verbs = VX_CLI_ADD | VX_CLI_SET },
    { .name = "may-exist",
      .help = "replace an object of that name instead of refusing",
      .verbs = VX_CLI_ADD },
    { .name = "if-exists", .help = "no error if there is none",
      .verbs = VX_CLI_DEL },
    { .name = "wait", .metavar = "SECONDS", .value_optional = true,
      .help = "return when every host that needs it has confirmed "
              "(default 30)",
      .verbs = CHANGE },
    { .name = "dry-run", .help = "print what would be done, change nothing",
      .verbs = CHANGE },
    { .name = "if-match", .metavar = "REV",
      .help = "only if the object still has this revision",
      .verbs = CHANGE },
    { .name = NULL },
};

static const struct vx_cli_opt apply_opts[] = {
    { .name = "file", .letter = 'f', .metavar = "FILE",
      .help = "JSON to apply, - for standard input",
      .verbs = VX_CLI_OTHER, .values = VX_CLI_FILES },
    { .name = "wait", .metavar = "SECONDS", .value_optional = true,
      .help = "return when every host has confirmed (default 30)",
      .verbs = VX_CLI_OTHER },
    { .name = "dry-run", .help = "print what would be done, change nothing",
      .verbs = VX_CLI_OTHER },
    { .name = NULL },
};

static const struct vx_cli_opt watch_opts[] = {
    { .name = "since", .metavar = "REV",
      .help = "start with the changes after this revision (default: now)",
      .verbs = VX_CLI_OTHER },
    { .name = NULL },
};

#define CRUD(KIND, OBJECT, PLURAL, ADD_ARGS, N_ADD, NAME, SCOPE, N_SCOPE)   \
    { .object = OBJECT, .name = "add", .verb = VX_CLI_ADD, .kind = &KIND,   \
      .args = ADD_ARGS, .min_words = 1, .max_words = N_ADD,                 \
      .help = "create a " OBJECT, .run = vx_cli_do_add },                   \
    { .object = OBJECT, .name = "set", .verb = VX_CLI_SET, .kind = &KIND,   \
      .args = NAME, .min_words = 1, .max_words = N_ADD,                     \
      .help = "change what the options name, keep the rest",                \
      .run = vx_cli_do_set },                                               \
    { .object = OBJECT, .name = "del", .verb = VX_CLI_DEL, .kind = &KIND,   \
      .args = NAME, .min_words = 1, .max_words = N_ADD,                     \
      .help = "delete a " OBJECT, .run = vx_cli_do_del },                   \
    { .object = OBJECT, .name = "list", .verb = VX_CLI_LIST, .kind = &KIND, \
      .args = SCOPE, .min_words = 0, .max_words = N_SCOPE,                  \
      .help = "list " PLURAL, .run = vx_cli_do_list },               \
    { .object = OBJECT, .name = "show", .verb = VX_CLI_SHOW, .kind = &KIND, \
      .args = NAME, .min_words = 1, .max_words = N_ADD,                     \
      .help = "show one " OBJECT, .run = vx_cli_do_show }

const struct vx_cli_command vx_cli_commands[] = {
    CRUD(vx_cli_zone, "zone", "zones", "ZONE", 1, "ZONE", "", 0),
    { .object = "host", .name = "join", .verb = VX_CLI_OTHER,
      .kind = &vx_cli_host, .args = "", .opts = vx_cli_host_join_opts,
      .help = "make this machine a host of the fabric (run it there)",
      .is_local = true, .run = vx_cli_do_host_join },
    { .object = "host", .name = "leave", .verb = VX_CLI_OTHER,
      .kind = &vx_cli_host, .args = "", .opts = vx_cli_host_leave_opts,
      .help = "take this machine out of the fabric (run it there)",
      .is_local = true, .run = vx_cli_do_host_leave },
    { .object = "host", .name = "drain", .verb = VX_CLI_OTHER,
      .kind = &vx_cli_host, .args = "HOST", .min_words = 1, .max_words = 1,
      .opts = vx_cli_host_drain_opts,
      .help = "no new ports on a host; lists what is left there",
      .run = vx_cli_do_host_drain },
    { .object = "host", .name = "reset", .verb = VX_CLI_OTHER,
      .kind = &vx_cli_host, .args = "HOST", .min_words = 1, .max_words = 1,
      .help = "forget who a host was: it is re-installed or replaced",
      .run = vx_cli_do_host_reset },
    CRUD(vx_cli_host, "host", "hosts", "HOST", 1, "HOST", "", 0),
    CRUD(vx_cli_tenant, "tenant", "tenants", "TENANT", 1, "TENANT", "", 0),
    CRUD(vx_cli_network, "network", "networks", "TENANT/NETWORK", 1,
         "TENANT/NETWORK", "[TENANT]", 1),
    CRUD(vx_cli_subnet, "subnet", "subnets", "TENANT/NETWORK CIDR", 2,
         "TENANT/NETWORK CIDR", "[TENANT[/NETWORK]]", 1),
    CRUD(vx_cli_port, "port", "ports", "TENANT/NETWORK/PORT", 1,
         "TENANT/NETWORK/PORT", "[TENANT[/NETWORK]]", 1),
    CRUD(vx_cli_route, "route", "routes", "TENANT PREFIX", 2, "TENANT PREFIX",
         "[TENANT]", 1),
    CRUD(vx_cli_policy, "policy", "policies", "TENANT POLICY", 2,
         "TENANT POLICY", "[TENANT]", 1),
    CRUD(vx_cli_gateway, "gateway", "gateways", "GATEWAY", 1, "GATEWAY", "",
         0),
    CRUD(vx_cli_peering, "peering", "peerings", "NAME|TENANT/NAME", 1,
         "NAME|TENANT/NAME", "[TENANT]", 1),
    { .object = "bgp", .name = "show", .verb = VX_CLI_OTHER,
      .kind = &vx_cli_bgp, .args = "[TENANT]", .max_words = 1,
      .help = "what gateways announce and learn, and why; what is withheld",
      .run = vx_cli_do_bgp_show },
    { .object = "bgp", .name = "list", .verb = VX_CLI_OTHER,
      .kind = &vx_cli_bgp, .args = "[TENANT]", .max_words = 1,
      .help = "list BGP sessions of all gateways",
      .run = vx_cli_do_bgp_list },
    { .object = "hook", .name = "list", .verb = VX_CLI_LIST,
      .kind = &vx_cli_hook, .args = "",
      .help = "list hooks and webhooks and how they fare",
      .run = vx_cli_do_list },
    { .object = "hook", .name = "log", .verb = VX_CLI_LIST,
      .kind = &vx_cli_hook_run, .args = "",
      .help = "list runs of hooks, newest first", .run = vx_cli_do_list },
    { .object = "hook", .name = "retry", .verb = VX_CLI_OTHER,
      .kind = &vx_cli_hook_run, .args = "RUN|dead", .min_words = 1,
      .max_words = 1, .help = "run again now: one run, or all dead ones",
      .run = vx_cli_do_hook_retry },
    { .object = "hook", .name = "test", .verb = VX_CLI_OTHER,
      .kind = &vx_cli_hook, .args = "EVENT", .min_words = 1,
      .max_words = 1, .help = "run the hooks of an event with a test event",
      .run = vx_cli_do_hook_test },
    { .object = "top", .name = "locality", .verb = VX_CLI_OTHER,
      .kind = &vx_cli_top, .args = "", .opts = vx_cli_top_locality_opts,
      .help = "traffic that stays on its host, in its zone, or crosses",
      .run = vx_cli_do_top_locality },
    { .object = "top", .name = "bursts", .verb = VX_CLI_OTHER,
      .kind = &vx_cli_top, .args = "", .opts = vx_cli_top_bursts_opts,
      .help = "budgets that dropped packets: whose, how much, how long",
      .run = vx_cli_do_top_bursts },
    { .name = "apply", .verb = VX_CLI_OTHER, .args = "", .max_words = 0,
      .help = "apply a JSON document as one atomic batch",
      .opts = apply_opts, .run = vx_cli_do_apply },
    { .name = "watch", .verb = VX_CLI_OTHER, .args = "", .max_words = 0,
      .help = "print changes as they happen, until interrupted",
      .opts = watch_opts, .run = vx_cli_do_watch },
    { .name = "status", .verb = VX_CLI_OTHER, .args = "", .max_words = 0,
      .help = "overview: controller, hosts, counts, what is not active",
      .run = vx_cli_do_status },
    { .name = "audit", .verb = VX_CLI_OTHER, .args = "[HOST]",
      .max_words = 1,
      .help = "compare what hosts and gateways hold with intent, now",
      .opts = vx_cli_audit_opts, .run = vx_cli_do_audit },
    { .name = "completion", .verb = VX_CLI_OTHER, .args = "bash",
      .min_words = 1, .max_words = 1,
      .help = "print a completion script for the shell",
      .run = vx_cli_do_completion },
    { .name = NULL },
};

const struct vx_cli_kind *
vx_cli_kind_find(const char *name)
{
    static const struct vx_cli_kind *const kinds[] = {
        &vx_cli_zone, &vx_cli_host, &vx_cli_tenant, &vx_cli_network,
        &vx_cli_subnet, &vx_cli_port, &vx_cli_route, &vx_cli_policy,
        &vx_cli_gateway, &vx_cli_peering, &vx_cli_uplink, &vx_cli_bgp,
        &vx_cli_hook, &vx_cli_top,
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!strcmp(kinds[i]->name, name) ||
            !strcmp(kinds[i]->plural, name)) {
            return kinds[i];
        }
    }
    return NULL;
}

const struct vx_cli_command *
vx_cli_command_find(const char *object, const char *name)
{
    for (const struct vx_cli_command *c = vx_cli_commands; c->name; c++) {
        if (!c->object == !object && (!object || !strcmp(c->object, object))
            && !strcmp(c->name, name)) {
            return c;
        }
    }
    return NULL;
}

unsigned
vx_cli_kind_depth(const struct vx_cli_kind *kind)
{
    unsigned depth = 0;

    while (kind->keys[depth]) {
        depth++;
    }
    return depth;
}

/* Options come from up to two arrays: of the command or its kind, then of
 * the verb. */
const struct vx_cli_opt *
vx_cli_opt_next(const struct vx_cli_command *command,
                const struct vx_cli_opt *opt)
{
    const struct vx_cli_opt *own = command->opts ? command->opts
        : command->kind ? command->kind->opts : NULL;
    const struct vx_cli_opt *next = opt ? opt + 1 : own ? own : verb_opts;

    for (;;) {
        while (next->name && !(next->verbs & (unsigned) command->verb)) {
            next++;
        }
        if (next->name) {
            return next;
        }
        /* The end of verb_opts is the end; of the other, half way. */
        if (next == &verb_opts[sizeof verb_opts / sizeof *verb_opts - 1]) {
            return NULL;
        }
        next = verb_opts;
    }
}
