/* SPDX-License-Identifier: Apache-2.0 */
/* `netctl host leave`: the reverse of join. Takes our Manager row and the
 * vxfabric-* ids out of the local OVSDB, so that the host no longer turns to
 * the controller. The bridges keep forwarding (fail_mode=secure) unless
 * --purge removes them; system-id stays, it is the machine's. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/host_plan.h"
#include "cli/ovsdb_client.h"

enum { ANSWER_MS = 10000 };

static const cJSON *
rows_of(const cJSON *selected, int i)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(selected, i),
                                            "rows");
}

static bool
leave(struct vx_cli *cli, struct vx_ovsdb_client *db, cJSON **ret_ops,
      struct vx_error *err)
{
    cJSON *select = vx_host_select();
    cJSON *selected = vx_ovsdb_transact(db, select, ANSWER_MS, err);
    cJSON *ops, *result = NULL;
    bool ok = true;

    cJSON_Delete(select);
    if (!selected) {
        return false;
    }
    ops = vx_leave_plan(&(struct vx_host_rows) {
        rows_of(selected, 0), rows_of(selected, 1), rows_of(selected, 2),
    }, vx_cli_args_has(&cli->args, "purge"));
    if (cJSON_GetArraySize(ops)
        && !vx_cli_args_has(&cli->args, "dry-run")) {
        result = vx_ovsdb_transact(db, ops, ANSWER_MS, err);
        ok = result != NULL;
    }
    cJSON_Delete(result);
    cJSON_Delete(selected);
    *ret_ops = ops;
    return ok;
}

int
vx_cli_do_host_leave(struct vx_cli *cli)
{
    const char *addr = vx_cli_args_get(&cli->args, "db");
    struct vx_error err = { .code = VX_OK };
    struct vx_ovsdb_client *db;
    cJSON *ops = NULL, *doc;
    bool ok;

    db = vx_ovsdb_open(addr ? addr : VX_OVSDB_DEFAULT, &err);
    ok = db && leave(cli, db, &ops, &err);
    if (ok) {
        doc = cJSON_CreateObject();
        cJSON_AddBoolToObject(doc, "changed", cJSON_GetArraySize(ops) > 0);
        if (vx_cli_args_has(&cli->args, "dry-run")) {
            cJSON_AddItemReferenceToObject(doc, "operations", ops);
        }
        vx_cli_write_one(cli->format, cli->out, NULL, VX_CLI_DETAIL, doc);
        cJSON_Delete(doc);
    } else {
        struct vx_buf text = VX_BUF_INIT;

        vx_cli_put_safe(&text, err.message);
        fprintf(cli->err, "netctl: %s\n", vx_buf_str(&text));
        vx_buf_fini(&text);
    }
    cJSON_Delete(ops);
    vx_ovsdb_close(db);
    return ok ? VX_CLI_DONE : VX_CLI_REFUSED;
}
