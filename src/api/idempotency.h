/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency-Key: the same request sent twice is done once and answered
 * twice.  In memory only, bounded in number, bytes and age: a controller that
 * restarted knows no keys; a PUT by name is idempotent without.  Private to
 * src/api. */
#ifndef VX_API_IDEMPOTENCY_H
#define VX_API_IDEMPOTENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

enum {
    VX_IDEM_MAX_KEYS = 1024,
    VX_IDEM_MAX_BYTES = 16 * 1024 * 1024,
    VX_IDEM_MAX_AGE_S = 24 * 3600,
    VX_IDEM_KEY_MAX = 255,
};

struct vx_idem;

struct vx_idem *vx_idem_new(void);
void vx_idem_free(struct vx_idem *idem);

enum vx_idem_answer {
    VX_IDEM_NEW,            /* do it; then vx_idem_keep or vx_idem_forget */
    VX_IDEM_REPLAY,         /* *ret_status, *ret_body are the first answer */
    VX_IDEM_REFUSED,        /* err: other request, or still being done */
};
/* now_s: monotonic seconds.  fingerprint: of method, path and body.  The body
 * is valid until the next call. */
enum vx_idem_answer vx_idem_begin(struct vx_idem *idem, const char *key,
                                  uint64_t fingerprint, int64_t now_s,
                                  unsigned *ret_status,
                                  const char **ret_body, size_t *ret_size,
                                  struct vx_error *err);
void vx_idem_keep(struct vx_idem *idem, const char *key, unsigned status,
                  const char *body, size_t size);
void vx_idem_forget(struct vx_idem *idem, const char *key);

/* FNV-1a, to be chained; start with 0. */
uint64_t vx_idem_hash(uint64_t hash, const void *data, size_t size);

#endif
