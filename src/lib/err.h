/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as values.
 *
 * Every function that can fail for a reason outside our control returns bool
 * and takes a struct vx_error last.  The code decides what a caller does
 * (HTTP status, exit status), the field names the input at fault, the
 * message names the object, the value and the way out. */
#ifndef VX_LIB_ERR_H
#define VX_LIB_ERR_H

#include <stdbool.h>

enum vx_err_code {
    VX_OK = 0,
    VX_INVALID,         /* malformed or out of range: 400 */
    VX_NOT_FOUND,       /* a named object does not exist: 404 */
    VX_EXISTS,          /* name, number or address is taken: 409 */
    VX_IN_USE,          /* others refer to it: 409 */
    VX_PRECONDITION,    /* If-Match / If-None-Match failed: 412 */
    VX_EXHAUSTED,       /* pool or quota is used up: 409 */
    VX_TOO_LARGE,       /* body, batch or nesting over the limit: 413 */
    VX_GONE,            /* watch revision no longer kept: 410 */
    VX_FORBIDDEN,       /* 403 */
    VX_METHOD,          /* method not allowed on this path: 405 */
    VX_UNAVAILABLE,     /* cannot now, try again: 503 */
    VX_BUSY,            /* too many at once, come back later: 429 */
    VX_TIMEOUT,         /* committed, not realized in time: 202 */
    VX_INTERNAL,        /* our fault or the disk's: 500 */
    VX_N_ERR_CODES
};

struct vx_error {
    enum vx_err_code code;
    char field[48];     /* the input at fault, "" if none */
    char message[464];  /* one sentence, no final newline */
};

/* Fills err (if not NULL) and returns false, so a failure is one line. */
bool vx_fail(struct vx_error *err, enum vx_err_code code, const char *field,
             const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Stable lower-case name of a code, as the API prints it. */
const char *vx_err_name(enum vx_err_code code);

#endif
