/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a VM makes a switch send: the first byte chooses the error, the
 * rest is the frame.  What is answered must be readable, no longer than it
 * may be, and itself never a reason to answer. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/health.h"
#include "core/icmp.h"
#include "core/pipeline.h"
#include "core/ra.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const uint8_t *frame, size_t size)
{
    struct vx_punted punted;
    struct vx_icmp_reply again = { .error = VX_ICMP_TTL };
    uint8_t out[VX_ICMP_MAX];

    assert(vx_punted_parse(frame, size, &punted) && punted.whole);
    again.from = punted.src;
    assert(!vx_icmp_error(&punted, &again, out));
    if (punted.src.family == 4) {
        assert(!vx_punt_checksum(NULL, punted.ip, 20)
               && !vx_punt_checksum(NULL, punted.upper, punted.upper_size));
    } else {
        assert(!vx_punt_checksum(punted.ip, punted.upper,
                                 punted.upper_size));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vx_icmp_reply reply = { .src = VX_GATEWAY_MAC, .mtu = 1400 };
    uint8_t out[VX_ICMP_MAX];
    struct vx_punted punted;
    struct vx_ra ra;
    struct vx_ip ip;
    size_t n;

    if (!size || !vx_punted_parse(data + 1, size - 1, &punted)) {
        return 0;
    }
    reply.error = data[0] % VX_N_ICMP_ERRORS;
    reply.from = punted.src.family == 4
        ? (struct vx_ip) { 4, { 10, 0, 0, 1 } }
        : (struct vx_ip) { 6, { 0xfd, [15] = 1 } };
    n = vx_icmp_error(&punted, &reply, out);
    assert(n <= sizeof out);
    if (n) {
        check(out, n);
    }
    vx_ra_asked(&punted, &ra);
    vx_health_answer(&punted, &ip);
    return 0;
}
