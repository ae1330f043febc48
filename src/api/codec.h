/* SPDX-License-Identifier: Apache-2.0 */
/* JSON <-> operations and objects.  Pure: no I/O, no clock.  Shared by the
 * server, the daemon (store records, journal bodies) and the CLI.
 *
 * Strict on input: RFC 8259 to the letter (valid UTF-8, no duplicate names,
 * no control characters, no NUL in strings), sizes and nesting bounded,
 * unknown members and wrong types refused by name, integers only where a
 * number is wanted and in range.  An error names the member, in a batch with
 * its path: "[3].body.mtu".
 *
 * One table per kind (vx_codec_fields) says which members an object has;
 * parsing, PATCH, openapi.json and the CLI hold on to it. */
#ifndef VX_API_CODEC_H
#define VX_API_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/locality.h"
#include "core/model.h"
#include "core/op.h"
#include "core/status.h"
#include "lib/buf.h"
#include "lib/err.h"

enum {
    VX_BODY_MAX = 256 * 1024,           /* bytes, one object */
    VX_BATCH_BODY_MAX = 8 * 1024 * 1024,    /* bytes, a batch */
    VX_BATCH_MAX_OPS = 20000,
    VX_JSON_MAX_DEPTH = 16,
    VX_JSON_MAX_MEMBERS = 64,           /* of one JSON object */
    VX_API_PATH_MAX = 512,              /* bytes of an object's path with
                                         * its NUL; 4 names of 63, escaped */
};

/* --- The members of objects. */

enum vx_codec_type {
    VX_T_STRING,
    VX_T_UINT,
    VX_T_BOOL,
    VX_T_STRINGS,       /* array of strings */
    VX_T_RANGES,        /* array of {"first","last"} */
    VX_T_PROTO,         /* name or number of a protocol */
    VX_T_MATCH,         /* object, see vx_codec_sub_fields */
    VX_T_ACTION,
    VX_T_HOPS,          /* array of such objects, read-only */
    VX_T_COUNTERS,      /* such an object, read-only */
    VX_T_WORDS,         /* array of strings; one string is read, too */
};

struct vx_codec_field {
    const char *name;
    enum vx_codec_type type;
    bool settable;      /* else read-only: in a body it must be as GET
                         * answers it, and is then ignored ("revision"
                         * works as if_match) */
    bool runtime;       /* read-only and changes by itself: in a body it is
                         * ignored whatever it says; not in the journal */
    bool nullable;      /* GET may answer null.  In a body null means not
                         * given, but a subnet's gateway, what a host has
                         * told and a password: null = none */
    bool secret;        /* GET does not answer it; kept if not given */
    bool optional;      /* GET answers it only where there is something to
                         * say */
    bool required;      /* in a PUT */
    uint64_t min, max;  /* UINT: value; STRING: length in bytes;
                         * STRINGS, RANGES: number of elements */
    const char *help;   /* one line */
};

/* NULL for kinds the API does not have. */
const struct vx_codec_field *vx_codec_fields(enum vx_kind kind,
                                             size_t *ret_n);

/* The members of what is an object itself; NULL for other types. */
const struct vx_codec_field *vx_codec_sub_fields(enum vx_codec_type type,
                                                 size_t *ret_n);

/* --- Paths: "/v1/tenants/acme/networks/web/subnets/10.0.0.0%2F24". */

/* A decoded path.  Strings point into buf: do not copy. */
struct vx_codec_path {
    enum vx_kind kind;
    bool list;                  /* the collection: key.name is NULL */
    struct vx_key key;          /* list of everything: parents NULL */
    char buf[VX_API_PATH_MAX];
};

/* Path without query.  VX_NOT_FOUND if there is no such route, VX_INVALID if
 * the escaping is wrong.  /v1/networks, /v1/subnets, /v1/ports, /v1/routes,
 * /v1/policies and /v1/tenant-peerings are lists over all tenants
 * (/v1/peerings has the peerings of the fabric); one trailing slash is
 * allowed; the slash of a prefix may come unescaped.  Names are not judged
 * here: the model does that. */
bool vx_codec_path_parse(const char *path, struct vx_codec_path *ret_path,
                         struct vx_error *err);
/* Escaped path of an object.  Returns buf. */
const char *vx_codec_path_format(enum vx_kind kind, const struct vx_key *key,
                                 char buf[VX_API_PATH_MAX]);
/* Appends s percent-encoded (all but RFC 3986 unreserved). */
void vx_codec_escape(struct vx_buf *buf, const char *s);

/* --- From JSON. */

/* A parsed text.  Owns what the operations made from it borrow. */
struct vx_doc;

/* NULL with err on failure.  text need not end in NUL. */
struct vx_doc *vx_doc_parse(const char *text, size_t size, size_t max_size,
                            struct vx_error *err);
void vx_doc_free(struct vx_doc *doc);       /* NULL is fine */

/* Present state for read-only members and for PATCH. */
struct vx_codec_view;

/* A PUT of the whole document as body of the object at path (which must stay
 * where it is while the op is used).  An empty text is {}.  The caller fills
 * if_match and if_none_match.  present: the object as it is, to compare
 * read-only members with; NULL = it does not exist, or nobody asked. */
bool vx_codec_put(struct vx_doc *doc, const struct vx_codec_path *path,
                  const struct vx_codec_view *present, struct vx_op *ret_op,
                  struct vx_error *err);
/* True if the body holds read-only members that only the present object can
 * answer for (a port's vni, a host's num, an origin), so that vx_codec_put
 * wants it. */
bool vx_codec_wants_present(const struct vx_doc *doc,
                            const struct vx_codec_path *path);
/* RFC 7396 merge patch over the settable members of present. */
bool vx_codec_patch(struct vx_doc *doc, const struct vx_codec_path *path,
                    const struct vx_codec_view *present,
                    struct vx_op *ret_op, struct vx_error *err);

/* [{"op":"PUT"|"DELETE","path":"/v1/...","body":{...},
 *   "if_match":REV, "if_none_match":"*"}, ...]; ops and paths belong to doc.
 * Read-only members are compared with what find answers (may be NULL: then
 * they are refused).  *ret_failed: index of the operation at fault, or
 * SIZE_MAX if it is the document. */
struct vx_codec_batch {
    struct vx_op *ops;
    const struct vx_codec_path *paths;
    size_t n;
};
typedef bool vx_codec_find(void *aux, const struct vx_codec_path *path,
                           struct vx_codec_view *ret_view);
bool vx_codec_batch(struct vx_doc *doc, vx_codec_find *find, void *aux,
                    struct vx_codec_batch *ret_batch, size_t *ret_failed,
                    struct vx_error *err);

/* --- To JSON. */

/* Run-time facts of a host that are not intent. */
struct vx_api_host_status {
    const char *state;          /* "joining", "active", "draining", "down" */
    char reason[256];           /* "" if active */
    uint64_t realized_revision;
    uint64_t n_ports;           /* located there */
};

/* What a gateway has reported. */
struct vx_api_gateway_status {
    const char *state;          /* "active": connected, and has carried out
                                 * all it was told; "building": not all yet;
                                 * "degraded": something of it does not work
                                 * (zebra, bgpd...); "down": not connected */
    char reason[512];           /* "" if active */
    int64_t seen_ms;            /* wall clock of its last report, 0 = never */
    uint64_t acked;             /* sequence number it has carried out */
    uint64_t behind;            /* entries it has not carried out yet */
    uint64_t n_sessions, n_established;
    /* In force, whether given or by default. */
    uint32_t as;                /* 0 = not known */
    struct vx_ip router_id;     /* not IPv4 = there is none (yet) */
};

/* What a gateway has reported of a peering's session. */
struct vx_api_peering_status {
    const char *state;          /* "idle", "connect", "active", "opensent",
                                 * "openconfirm", "established", "unknown" */
    char reason[256];           /* "" if established */
    int64_t since_ms;           /* wall clock, 0 = not known */
    uint64_t n_received, n_sent;    /* prefixes, all families */
};

/* What an answer is made from.  Names of other objects are looked up in
 * model; without status, the members of run time are left out (journal). */
struct vx_codec_view {
    const struct vx_model *model;
    const struct vx_obj *obj;
    struct vx_key key;          /* full key of obj */
    const struct vx_port_status *port_status;       /* ports; may be NULL */
    const struct vx_api_host_status *host_status;   /* hosts; may be NULL */
    const struct vx_hops_status *hops_status;   /* routes, policies; may be
                                                 * NULL */
    const struct vx_policy_count *policy_count; /* policies; may be NULL */
    const uint8_t *policy_places;   /* policies: VX_WHERE_* where it is in
                                     * force; may be NULL */
    /* Gateways, and peerings of both kinds; may be NULL. */
    const struct vx_api_gateway_status *gateway_status;
    const struct vx_api_peering_status *peering_status;
    bool secrets;               /* passwords, too: for gateways only */
};

/* Appends the object as GET answers it. */
void vx_codec_object(const struct vx_codec_view *view, struct vx_buf *out);
/* "operator", "system", "learned". */
const char *vx_codec_origin_name(enum vx_origin origin);
/* Appends {"error":{"code","field","message"}}, with "index" unless it is
 * SIZE_MAX. */
void vx_codec_error(const struct vx_error *error, size_t index,
                    struct vx_buf *out);
/* Appends s as a JSON string, quotes and all; bytes that are not UTF-8
 * become U+FFFD. */
void vx_json_string(struct vx_buf *out, const char *s);
/* Appends a wall clock in ms since the epoch as a string of RFC 3339, UTC. */
void vx_json_time(struct vx_buf *out, int64_t time_ms);

/* Paths of changed objects, also of those whose parents are deleted by the
 * same changes (vx_model_key cannot name them any more).  O(n log n) to make,
 * O(log n) to ask. */
struct vx_codec_names;
struct vx_codec_names *
vx_codec_names_new(const struct vx_model *model,
                   const struct vx_change *changes, size_t n);
void vx_codec_names_free(struct vx_codec_names *names);
/* Full key of old or new of any of the changes; strings live as long as the
 * changes.  False for kinds the API does not show. */
bool vx_codec_names_key(const struct vx_codec_names *names,
                        const struct vx_obj *obj, struct vx_key *ret_key);

/* --- Records of the store: all members, also the internal ones. */

void vx_codec_record(const struct vx_obj *obj, struct vx_buf *out);
/* The object with one reference, or NULL with err. */
struct vx_obj *vx_codec_record_parse(enum vx_kind kind, uint64_t oid,
                                     uint64_t revision, const void *body,
                                     size_t size, struct vx_error *err);

#endif
