/* SPDX-License-Identifier: Apache-2.0 */
/* What a controller, or something else at its address, answers netctl: the
 * watch stream, and an object in every output format. Nothing may crash,
 * and nothing printed may hold a control character. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/event.h"
#include "cli/table.h"
#include "cli/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
print_event(void *aux, const cJSON *event)
{
    for (size_t i = 0; vx_cli_formats[i]; i++) {
        vx_cli_formats[i]->event(aux, event);
    }
    return true;
}

static void
print_object(FILE *out, const cJSON *object)
{
    static const struct vx_cli_kind *const kinds[] = {
        &vx_cli_port, &vx_cli_subnet, &vx_cli_peering, NULL,
    };

    for (size_t i = 0; vx_cli_formats[i]; i++) {
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            vx_cli_write_one(vx_cli_formats[i], out, kinds[k], VX_CLI_ITEMS,
                             object);
            vx_cli_write_one(vx_cli_formats[i], out, kinds[k],
                             VX_CLI_DETAIL, object);
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vx_cli_feed feed = { .since = 0 };
    const char *text = (const char *) data;
    cJSON *object = cJSON_ParseWithLength(text, size);
    char *printed = NULL;
    size_t n_printed;
    FILE *out = open_memstream(&printed, &n_printed);

    assert(out);
    vx_cli_feed_data(&feed, text, size / 2, print_event, out);
    vx_cli_feed_broken(&feed);
    vx_cli_feed_data(&feed, text + size / 2, size - size / 2, print_event,
                     out);
    vx_cli_feed_fini(&feed);
    if (object) {
        print_object(out, object);
    }
    fclose(out);
    for (size_t i = 0; i < n_printed; i++) {
        unsigned char c = (unsigned char) printed[i];

        assert((c >= 0x20 && c != 0x7f) || c == '\n');
    }
    free(printed);
    cJSON_Delete(object);
    return 0;
}
