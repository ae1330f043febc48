/* SPDX-License-Identifier: Apache-2.0 */
/* What a running command has at hand, the commands themselves, and what they
 * share. Private to src/cli. */
#ifndef VX_CLI_COMMANDS_H
#define VX_CLI_COMMANDS_H 1

#include <stdio.h>

#include <cjson/cJSON.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/name.h"
#include "cli/table.h"
#include "cli/writer.h"
#include "lib/err.h"

struct vx_cli {
    const struct vx_cli_command *command;
    struct vx_cli_args args;
    const struct vx_cli_format *format;
    struct vx_cli_client *client;
    FILE *out, *err;
};

/* Commands; each returns the exit status. */
int vx_cli_do_add(struct vx_cli *cli);
int vx_cli_do_set(struct vx_cli *cli);
int vx_cli_do_del(struct vx_cli *cli);
int vx_cli_do_list(struct vx_cli *cli);
int vx_cli_do_show(struct vx_cli *cli);
int vx_cli_do_apply(struct vx_cli *cli);
int vx_cli_do_watch(struct vx_cli *cli);
int vx_cli_do_status(struct vx_cli *cli);
int vx_cli_do_audit(struct vx_cli *cli);
int vx_cli_do_top_locality(struct vx_cli *cli);
int vx_cli_do_top_bursts(struct vx_cli *cli);
int vx_cli_do_bgp_show(struct vx_cli *cli);
int vx_cli_do_bgp_list(struct vx_cli *cli);
int vx_cli_do_completion(struct vx_cli *cli);
int vx_cli_do_host_join(struct vx_cli *cli);
int vx_cli_do_host_leave(struct vx_cli *cli);
int vx_cli_do_host_drain(struct vx_cli *cli);
int vx_cli_do_host_reset(struct vx_cli *cli);
int vx_cli_do_hook_retry(struct vx_cli *cli);
int vx_cli_do_hook_test(struct vx_cli *cli);

/* `netctl __complete WORD...`, argv[0] is "__complete": what could stand for
 * the last word, one a line. Never fails loudly. */
int vx_cli_complete(int argc, char **argv, FILE *out);

/* Help for the command, for the object's verbs, or for all. */
void vx_cli_help(FILE *out, const char *object,
                 const struct vx_cli_command *command);

/* --- Shared by commands. */

/* The controller's address: option, environment, default. */
const char *vx_cli_server(const struct vx_cli_args *args);

/* Prints the plan of a dry run, or the outcome of a batch. */
void vx_cli_print_plan(const struct vx_cli *cli, const cJSON *plan);
void vx_cli_print_batch(const struct vx_cli *cli, const cJSON *outcome);

/* The body an add or set sends. NULL with err (VX_INVALID) if an option's
 * value cannot be put into JSON. The caller deletes it. */
cJSON *vx_cli_body(const struct vx_cli_args *args, struct vx_error *err);

/* Its parts for --match and --action: adds the member, false with err. */
bool vx_cli_add_match(cJSON *body, const struct vx_cli_value *value,
                      bool is_set, struct vx_error *err);
bool vx_cli_add_action(cJSON *body, const struct vx_cli_value *value,
                       bool is_set, struct vx_error *err);

/* Says on cli->err what went wrong with an object (name may be NULL).
 * Returns the exit status that goes with it: http_status is 0 if there was
 * no reply. */
int vx_cli_refused(struct vx_cli *cli, const char *name, long http_status,
                   const struct vx_error *err);
/* The same for what is wrong with the command line. */
int vx_cli_misused(struct vx_cli *cli, const struct vx_error *err);

/* Does the request and parses the reply, which is JSON or empty (then
 * *ret_doc is NULL). The caller deletes it. */
bool vx_cli_call(struct vx_cli *cli, const struct vx_cli_request *request,
                 long *ret_status, cJSON **ret_doc, struct vx_error *err);

/* Calls each for every item of a list, page after page; path may have a
 * query. False with err, also when each returns false (then it filled
 * err). */
struct vx_cli_listing {
    const char *path;
    unsigned page_size;         /* 0 = 1000 */
    bool first_page_only;
    bool (*each)(void *aux, const cJSON *item);
    void *aux;
};
bool vx_cli_list_all(struct vx_cli *cli, const struct vx_cli_listing *listing,
                     long *ret_status, struct vx_error *err);

/* Appends "?KEY=VALUE" or "&KEY=VALUE". */
void vx_cli_query(struct vx_buf *path, const char *key, const char *value);
/* Appends what --wait and --dry-run ask for. *ret_wait_s: 0 = no wait. */
bool vx_cli_query_wait(const struct vx_cli_args *args, struct vx_buf *path,
                       unsigned *ret_wait_s, struct vx_error *err);

#endif
