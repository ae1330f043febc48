/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as values; see err.h. */
#include "lib/err.h"

#include <stdarg.h>
#include <stdio.h>

bool
vx_fail(struct vx_error *err, enum vx_err_code code, const char *field,
        const char *fmt, ...)
{
    if (err) {
        va_list args;

        err->code = code;
        snprintf(err->field, sizeof err->field, "%s", field ? field : "");
        va_start(args, fmt);
        vsnprintf(err->message, sizeof err->message, fmt, args);
        va_end(args);
    }
    return false;
}

const char *
vx_err_name(enum vx_err_code code)
{
    static const char *const names[VX_N_ERR_CODES] = {
        [VX_OK] = "ok",
        [VX_INVALID] = "invalid",
        [VX_NOT_FOUND] = "not_found",
        [VX_EXISTS] = "exists",
        [VX_IN_USE] = "in_use",
        [VX_PRECONDITION] = "precondition_failed",
        [VX_EXHAUSTED] = "exhausted",
        [VX_TOO_LARGE] = "too_large",
        [VX_GONE] = "gone",
        [VX_FORBIDDEN] = "forbidden",
        [VX_METHOD] = "method_not_allowed",
        [VX_UNAVAILABLE] = "unavailable",
        [VX_BUSY] = "too_many",
        [VX_TIMEOUT] = "timeout",
        [VX_INTERNAL] = "internal",
    };

    return (unsigned) code < VX_N_ERR_CODES ? names[code] : "internal";
}
