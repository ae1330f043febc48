/* SPDX-License-Identifier: Apache-2.0 */
/* The command table: the one place that says which commands, options and
 * columns there are. Parser, help, completion and request bodies are made
 * from it, and a test holds the man page to it. All of it is const. */
#ifndef VX_CLI_TABLE_H
#define VX_CLI_TABLE_H 1

#include <stdbool.h>
#include <stddef.h>

struct vx_cli;

/* Verbs as bits, so that an option can name those it belongs to. */
enum vx_cli_verb {
    VX_CLI_ADD = 1 << 0,
    VX_CLI_SET = 1 << 1,
    VX_CLI_DEL = 1 << 2,
    VX_CLI_LIST = 1 << 3,
    VX_CLI_SHOW = 1 << 4,
    VX_CLI_OTHER = 1 << 5,      /* a command of its own: join, apply ... */
};

/* What an option's value becomes. */
enum vx_cli_opt_type {
    VX_CLI_CONTROL,         /* not for the body: steers the client */
    VX_CLI_FILTER,          /* query parameter of a list */
    VX_CLI_TEXT,            /* string; "" clears it: back to the default */
    VX_CLI_NUMBER,          /* unsigned decimal */
    VX_CLI_TRUE,            /* flag -> true */
    VX_CLI_FALSE,           /* flag -> false */
    VX_CLI_NULL,            /* flag -> null */
    VX_CLI_TEXTS,           /* repeatable -> array of strings */
    VX_CLI_NO_TEXTS,        /* flag -> [] */
    VX_CLI_RANGES,          /* repeatable A-B -> [{"first","last"}] */
    VX_CLI_MATCH,           /* src=..,dport=.. -> object */
    VX_CLI_ACTION,          /* TYPE[:VALUE] -> object */
    VX_CLI_WORDS,           /* A,B; repeatable -> array of strings */
    VX_CLI_FIRST_LINE,      /* file -> its first line as a string */
};

/* Where completion takes the values of an option from. */
enum vx_cli_values {
    VX_CLI_ANYTHING,
    VX_CLI_FILES,
    VX_CLI_FORMATS,
    VX_CLI_HOSTS,
    VX_CLI_ZONES,
    VX_CLI_TENANTS,
    VX_CLI_STATES,
    VX_CLI_RUN_STATES,
    VX_CLI_HOPS_STATES,
    VX_CLI_PATHS,
    VX_CLI_ACTIONS,
    VX_CLI_FAILS,
    VX_CLI_GATEWAYS,
    VX_CLI_GATEWAY_STATES,
    VX_CLI_SESSION_STATES,
    VX_CLI_FAMILIES,
    VX_CLI_COMMUNITIES,
    VX_CLI_PLACES,
    VX_CLI_ORIGINS,
};

struct vx_cli_opt {
    const char *name;       /* "vni" for --vni; NULL ends an array */
    char letter;            /* 's' for -s, 0 = none */
    bool value_optional;    /* --wait or --wait=S */
    const char *metavar;    /* NULL = takes no value */
    const char *help;
    enum vx_cli_opt_type type;
    const char *key;        /* JSON member or query parameter */
    unsigned verbs;         /* of enum vx_cli_verb */
    enum vx_cli_values values;
};

struct vx_cli_column {
    const char *title;      /* capitals; NULL ends an array */
    const char *key;        /* JSON member; NULL = full name of the object */
    const char *other;      /* member to show where key is empty, or NULL;
                             * "": none, and the column is left out of a
                             * table where no row has it */
};

/* A kind of object that the five verbs work on. */
struct vx_cli_kind {
    const char *name;               /* "port" */
    const char *plural;             /* "ports": part of the path */
    const char *help;
    const char *metavar;            /* "TENANT/NETWORK/PORT" */
    bool has_slash;                 /* in the last part: a prefix */
    const char *keys[4];            /* JSON members of the full name,
                                     * outermost first, NULL at the end */
    const struct vx_cli_kind *flat;     /* what a name without a slash is
                                         * of, NULL = a mistake */
    const char *all;                /* path of the list of all, where plural
                                     * is that of flat; else NULL */
    const struct vx_cli_opt *opts;
    const struct vx_cli_column *columns;
};

struct vx_cli_command {
    const char *object;             /* "port"; NULL: a command by itself */
    const char *name;               /* "add", "apply"; NULL ends the table */
    enum vx_cli_verb verb;
    const struct vx_cli_kind *kind; /* NULL where object is NULL */
    const char *args;               /* synopsis of the positional words */
    unsigned min_words, max_words;
    const char *help;
    const struct vx_cli_opt *opts;  /* options of its own, NULL = none */
    bool is_local;                  /* works on this machine: no API client */
    int (*run)(struct vx_cli *cli);
};

extern const struct vx_cli_command vx_cli_commands[];
extern const struct vx_cli_opt vx_cli_global_opts[];

extern const struct vx_cli_kind vx_cli_zone, vx_cli_host, vx_cli_tenant,
    vx_cli_network, vx_cli_subnet, vx_cli_port, vx_cli_route,
    vx_cli_policy, vx_cli_gateway, vx_cli_peering, vx_cli_uplink;
extern const struct vx_cli_kind vx_cli_hook, vx_cli_hook_run, vx_cli_top,
    vx_cli_bgp;
extern const struct vx_cli_opt vx_cli_top_locality_opts[],
    vx_cli_top_bursts_opts[];
extern const struct vx_cli_opt vx_cli_audit_opts[], vx_cli_host_join_opts[],
    vx_cli_host_leave_opts[], vx_cli_host_drain_opts[];

/* The kind of a name ("port"), NULL if none. */
const struct vx_cli_kind *vx_cli_kind_find(const char *name);
/* The command, NULL if none. object NULL: a command by itself. */
const struct vx_cli_command *vx_cli_command_find(const char *object,
                                                 const char *name);
/* Iterates over the options of a command (without the global ones): NULL
 * starts, NULL ends. */
const struct vx_cli_opt *vx_cli_opt_next(const struct vx_cli_command *command,
                                         const struct vx_cli_opt *opt);
/* Parts of the full name of a kind: 1 (zone) to 3 (port). */
unsigned vx_cli_kind_depth(const struct vx_cli_kind *kind);

/* The candidate nearest to word, for "did you mean"; NULL if none is near.
 * Feed it candidate by candidate. */
struct vx_cli_nearest {
    const char *word;
    const char *best;       /* NULL as long as nothing is near */
    unsigned distance;
};
void vx_cli_nearest_init(struct vx_cli_nearest *nearest, const char *word);
void vx_cli_nearest_offer(struct vx_cli_nearest *nearest,
                          const char *candidate);
/* The verb that other tools call word, NULL if none. */
const char *vx_cli_synonym(const char *word);

#endif
