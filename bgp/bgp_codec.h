/* SPDX-License-Identifier: Apache-2.0 */
/* BGP-4 messages to and from bytes (RFC 4271, 4760, 6793, 2918, 4724, 7606).
 * Pure: no I/O, no clock; allocates nothing but for the buffers it is given.
 *
 * A message that is wrong in a way that loses the framing or the session's
 * sense is answered by a NOTIFICATION (struct bg_notify says which); an
 * UPDATE whose attributes are wrong withdraws its routes (RFC 7606), which the
 * sink sees as unreach() and malformed(). */
#ifndef BG_BGP_CODEC_H
#define BG_BGP_CODEC_H

#include "bgp/bgp_attr.h"
#include "bgp/bgp_types.h"

enum {
    BG_HEADER_SIZE = 19,
    BG_MSG_MAX = 4096,
    BG_HOLD_DEFAULT_S = 90,
};

enum bg_msg_type {
    BG_OPEN = 1, BG_UPDATE, BG_NOTIFICATION, BG_KEEPALIVE, BG_ROUTE_REFRESH,
};

/* Why a session ends. */
struct bg_notify {
    uint8_t code, subcode;      /* RFC 4271 4.5, 4486; 0/0 = none */
    uint8_t n;                  /* bytes of data kept */
    uint8_t data[128];
};

enum { BG_NOTIFY_STRLEN = 256 };
/* "hold timer expired", "cease: administrative shutdown (\"maintenance\")":
 * with the text of RFC 9003, escaped. */
const char *bg_notify_format(const struct bg_notify *notify,
                             char buf[BG_NOTIFY_STRLEN]);

struct bg_open {
    uint32_t as;                /* 4-byte */
    uint16_t hold_s;            /* 0, or 3 and more */
    struct vx_ip router_id;     /* family 4 */
    unsigned families;          /* set of BG_BIT(); without any MP capability
                                 * BG_IPV4 */
    bool as4, route_refresh;
    bool graceful;              /* has the capability */
    bool restarted;             /* R bit */
    bool notification_graceful; /* N bit, RFC 8538 */
    uint16_t restart_s;         /* 12 bits */
    unsigned graceful_families; /* named in it ... */
    unsigned kept_families;     /* ... with forwarding kept (F bit) */
};

/* All encoders append one whole message. */
void bg_encode_open(const struct bg_open *open, struct vx_buf *buf);
void bg_encode_keepalive(struct vx_buf *buf);
void bg_encode_notification(const struct bg_notify *notify,
                            struct vx_buf *buf);
void bg_encode_refresh(enum bg_family family, struct vx_buf *buf);
void bg_encode_eor(enum bg_family family, struct vx_buf *buf);

/* One UPDATE out of many NLRI with the same attributes. */
struct bg_packer {
    struct vx_buf *buf;         /* the message is appended to it */
    size_t start, nlri;         /* offsets in buf */
    enum bg_family family;
    bool withdraw;
    const void *attrs;          /* of bg_attrs_encode(); until the end */
    size_t attrs_size;
    size_t max;                 /* bytes of the message */
};
/* attrs as bg_attrs_encode() made them, valid until bg_packer_end(). */
void bg_packer_reach(struct bg_packer *packer, enum bg_family family,
                     const struct vx_ip *next_hop, const struct vx_buf *attrs,
                     struct vx_buf *buf);
void bg_packer_unreach(struct bg_packer *packer, enum bg_family family,
                       struct vx_buf *buf);
/* False if there is no room: end it and begin another.  nlri: bytes of
 * bg_nlri_encode(). */
bool bg_packer_add(struct bg_packer *packer, const void *nlri, size_t size);
void bg_packer_end(struct bg_packer *packer);

enum { BG_NLRI_MAX = BG_FLOW_MAX + 2 };
/* As in an UPDATE; returns its size. */
size_t bg_nlri_encode(const struct bg_nlri *nlri, bool withdraw,
                      uint8_t bytes[BG_NLRI_MAX]);

enum bg_taken {
    BG_TAKEN,               /* *ret_nlri is one */
    BG_SKIPPED,             /* well-formed, of a kind without a place here */
    BG_MALFORMED,           /* where the next begins is not known */
};
/* Takes the first NLRI of bytes; *ret_used is set unless malformed. */
enum bg_taken bg_nlri_decode(enum bg_family family, const uint8_t *bytes,
                             size_t size, struct bg_nlri *ret_nlri,
                             size_t *ret_used);

/* Header: type and size (with the header) of the message that begins here.
 * *ret_size is 0 while fewer than 19 bytes are there. */
bool bg_decode_header(const uint8_t *bytes, size_t size,
                      enum bg_msg_type *ret_type, size_t *ret_size,
                      struct bg_notify *ret_why);
/* Of the others, body is what follows the header. */
bool bg_decode_open(const uint8_t *body, size_t size,
                    struct bg_open *ret_open, struct bg_notify *ret_why);
void bg_decode_notification(const uint8_t *body, size_t size,
                            struct bg_notify *ret_notify);
/* False if the family is none of ours: to be ignored. */
bool bg_decode_refresh(const uint8_t *body, size_t size,
                       enum bg_family *ret_family);

/* What an UPDATE says, in its order; all arguments are borrowed. */
struct bg_update_sink {
    void (*reach)(void *aux, const struct bg_nlri *nlri,
                  const struct bg_attrs *attrs);
    void (*unreach)(void *aux, const struct bg_nlri *nlri);
    void (*end_of_rib)(void *aux, enum bg_family family);
    /* RFC 7606: routes were withdrawn or attributes left out; why is for the
     * log and counters. */
    void (*malformed)(void *aux, const char *why);
};
struct bg_update_context {
    unsigned families;          /* negotiated; others are ignored */
    bool as4;
};
/* False: the session must be reset with *ret_why. */
bool bg_decode_update(const uint8_t *body, size_t size,
                      const struct bg_update_context *context,
                      const struct bg_update_sink *sink, void *aux,
                      struct bg_notify *ret_why);

#endif
