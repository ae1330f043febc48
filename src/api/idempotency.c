/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency keys; see idempotency.h.  A circular array, oldest first. */
#include "api/idempotency.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

struct entry {
    char *key;              /* NULL: free */
    uint64_t fingerprint;
    int64_t begun_s;
    unsigned status;        /* 0 while it is being done */
    char *body;
    size_t size;
};

struct vx_idem {
    struct entry entries[VX_IDEM_MAX_KEYS];
    size_t next;            /* where the next key goes */
    size_t bytes;
};

struct vx_idem *
vx_idem_new(void)
{
    return vx_xcalloc(1, sizeof(struct vx_idem));
}

static void
clear(struct vx_idem *idem, struct entry *entry)
{
    idem->bytes -= entry->size;
    free(entry->key);
    free(entry->body);
    memset(entry, 0, sizeof *entry);
}

void
vx_idem_free(struct vx_idem *idem)
{
    if (idem) {
        for (size_t i = 0; i < VX_IDEM_MAX_KEYS; i++) {
            clear(idem, &idem->entries[i]);
        }
        free(idem);
    }
}

static struct entry *
find(struct vx_idem *idem, const char *key)
{
    for (size_t i = 0; i < VX_IDEM_MAX_KEYS; i++) {
        struct entry *entry = &idem->entries[i];
        if (entry->key && !strcmp(entry->key, key)) {
            return entry;
        }
    }
    return NULL;
}

static enum vx_idem_answer
known(const struct entry *entry, uint64_t fingerprint, struct vx_error *err)
{
    if (entry->fingerprint != fingerprint) {
        vx_fail(err, VX_EXISTS, "Idempotency-Key",
                "this key was used for another request: take a new one");
        return VX_IDEM_REFUSED;
    }
    if (!entry->status) {
        vx_fail(err, VX_EXISTS, "Idempotency-Key",
                "the first request with this key is still being done: try "
                "again");
        return VX_IDEM_REFUSED;
    }
    return VX_IDEM_REPLAY;
}

enum vx_idem_answer
vx_idem_begin(struct vx_idem *idem, const char *key, uint64_t fingerprint,
              int64_t now_s, unsigned *ret_status, const char **ret_body,
              size_t *ret_size, struct vx_error *err)
{
    struct entry *entry = find(idem, key);

    if (entry && entry->status
        && now_s - entry->begun_s > VX_IDEM_MAX_AGE_S) {
        clear(idem, entry);
        entry = NULL;
    }
    if (entry) {
        enum vx_idem_answer answer = known(entry, fingerprint, err);
        if (answer == VX_IDEM_REPLAY) {
            *ret_status = entry->status;
            *ret_body = entry->body;
            *ret_size = entry->size;
        }
        return answer;
    }
    entry = &idem->entries[idem->next++ % VX_IDEM_MAX_KEYS];
    clear(idem, entry);
    *entry = (struct entry) {
        .key = vx_xstrdup(key), .fingerprint = fingerprint,
        .begun_s = now_s,
    };
    return VX_IDEM_NEW;
}

void
vx_idem_keep(struct vx_idem *idem, const char *key, unsigned status,
             const char *body, size_t size)
{
    struct entry *kept = find(idem, key);

    if (!kept) {
        return;             /* pushed out by later keys */
    }
    kept->status = status;
    kept->body = vx_xmemdup(body, size ? size : 1);
    kept->size = size;
    idem->bytes += size;
    /* Oldest first; the one just kept goes last. */
    for (size_t i = 0; i < VX_IDEM_MAX_KEYS
                       && idem->bytes > VX_IDEM_MAX_BYTES; i++) {
        struct entry *entry
            = &idem->entries[(idem->next + i) % VX_IDEM_MAX_KEYS];
        if (entry->status) {
            clear(idem, entry);
        }
    }
}

void
vx_idem_forget(struct vx_idem *idem, const char *key)
{
    struct entry *entry = find(idem, key);

    if (entry) {
        clear(idem, entry);
    }
}

uint64_t
vx_idem_hash(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *p = data;

    hash ^= UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}
