/* SPDX-License-Identifier: Apache-2.0 */
/* What is announced and what was heard: a peer made of the decoder holds
 * exactly what rib_out wants, whatever the order of changes, losses and
 * refreshes; tokens; stale paths. */
#include "bgp/rib_in.h"
#include "bgp/rib_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bgp/bgp_codec.h"
#include "lib/buf.h"
#include "tests/lib/bgp_sample.h"

/* --- A peer: the messages of rib_out go into a rib_in. */

struct peer {
    struct bg_rib_out *out;
    struct bg_rib_in *in;
    struct vx_buf buf;
    uint64_t offset;
    unsigned ended;
    bool as4;
    size_t n_messages, n_changed, n_progress;
    size_t n_learned, n_lost, n_complete;
};

static void
on_learned(void *aux, const struct bg_nlri *nlri,
           const struct bg_attrs *attrs)
{
    struct peer *p = aux;

    (void) nlri;
    (void) attrs;
    p->n_learned++;
}

static void
on_lost(void *aux, const struct bg_nlri *nlri)
{
    struct peer *p = aux;

    (void) nlri;
    p->n_lost++;
}

static void
on_complete(void *aux, enum bg_family family)
{
    struct peer *p = aux;

    (void) family;
    p->n_complete++;
}

static const struct bg_rib_in_callbacks callbacks = {
    on_learned, on_lost, on_complete,
};

static void
on_reach(void *aux, const struct bg_nlri *nlri, const struct bg_attrs *attrs)
{
    bg_rib_in_reach(((struct peer *) aux)->in, nlri, attrs);
}

static void
on_unreach(void *aux, const struct bg_nlri *nlri)
{
    bg_rib_in_unreach(((struct peer *) aux)->in, nlri);
}

static void
on_end(void *aux, enum bg_family family)
{
    struct peer *p = aux;

    p->ended |= BG_BIT(family);
    bg_rib_in_end(p->in, family);
}

static void
on_malformed(void *aux, const char *why)
{
    (void) aux;
    fail_msg("%s", why);
}

static const struct bg_update_sink sink = {
    on_reach, on_unreach, on_end, on_malformed,
};

static void
on_changed(void *aux)
{
    ((struct peer *) aux)->n_changed++;
}

static void
on_progress(void *aux)
{
    ((struct peer *) aux)->n_progress++;
}

static const struct vx_ip own = { 4, { 192, 0, 2, 1 } };

static void
begin(struct peer *p)
{
    memset(p, 0, sizeof *p);
    p->out = bg_rib_out_new(on_progress, p);
    p->in = bg_rib_in_new(&callbacks, p, 1000000);
    p->as4 = true;
    bg_rib_out_on_changed(p->out, on_changed, p);
}

static void
end(struct peer *p)
{
    bg_rib_out_free(p->out);
    bg_rib_in_free(p->in);
    vx_buf_fini(&p->buf);
}

static void
up(struct peer *p, unsigned families)
{
    p->offset = 0;
    p->ended = 0;
    bg_rib_out_up(p->out, families, p->as4);
    bg_rib_in_up(p->in, families, &own);
}

static void
down(struct peer *p)
{
    bg_rib_out_down(p->out);
    bg_rib_in_down(p->in);
}

/* One message; false if there is none. */
static bool
deliver(struct peer *p)
{
    struct bg_update_context context = { BG_ALL_FAMILIES, p->as4 };
    struct bg_notify why;

    vx_buf_clear(&p->buf);
    if (!bg_rib_out_next(p->out, &p->buf)) {
        return false;
    }
    assert_true(p->buf.size <= BG_MSG_MAX);
    p->n_messages++;
    p->offset += p->buf.size;
    bg_rib_out_mark(p->out, p->offset);
    assert_true(bg_decode_update((uint8_t *) p->buf.data + 19,
                                 p->buf.size - 19, &context, &sink, p,
                                 &why));
    return true;
}

static void
deliver_all(struct peer *p)
{
    while (deliver(p)) {
        continue;
    }
    bg_rib_out_sent(p->out, p->offset);
}

/* --- The two hold the same. */

static void
find_it(void *aux, const struct bg_rib_out_view *view)
{
    struct peer *p = aux;
    struct bg_rib_in_view found;
    uint8_t a[BG_NLRI_MAX], b[BG_NLRI_MAX];

    assert_true(bg_rib_in_find(p->in, &view->nlri, &found));
    assert_true(view->is_sent);
    assert_false(found.is_stale);
    assert_true(bgp_sample_same_attrs(&found.attrs, &view->attrs));
    size_t size = bg_nlri_encode(&view->nlri, false, a);
    assert_int_equal(bg_nlri_encode(&found.nlri, false, b), size);
    assert_memory_equal(a, b, size);
}

static void
assert_same(struct peer *p)
{
    bg_rib_out_each(p->out, find_it, p);
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        assert_int_equal(bg_rib_out_count(p->out, i),
                         bg_rib_in_count(p->in, i));
    }
    assert_int_equal(bg_rib_out_unsent(p->out), 0);
    assert_int_equal(bg_rib_in_stale(p->in), 0);
}

static struct bg_nlri
nlri_of(const char *prefix)
{
    struct bg_nlri nlri = { .family = BG_IPV4 };

    assert_true(vx_prefix_parse(prefix, &nlri.prefix));
    return nlri;
}

static struct bg_attrs
attrs_of(uint32_t med)
{
    struct bg_attrs attrs;

    bg_attrs_init(&attrs);
    attrs.next_hop = (struct vx_ip) { 4, { 192, 0, 2, 9 } };
    attrs.has_med = true;
    attrs.med = med;
    return attrs;
}

static void
set(struct peer *p, const char *prefix, uint32_t med, uint64_t token)
{
    struct bg_nlri nlri = nlri_of(prefix);
    struct bg_attrs attrs = attrs_of(med);

    bg_rib_out_set(p->out, &nlri, &attrs, token);
}

static void
unset(struct peer *p, const char *prefix, uint64_t token)
{
    struct bg_nlri nlri = nlri_of(prefix);

    bg_rib_out_unset(p->out, &nlri, token);
}

/* --- rib_out. */

static void
random_route(uint64_t *seed, struct bg_nlri *nlri, struct bg_attrs *attrs)
{
    uint64_t of = 1 + bgp_sample_number(seed, 60);

    bgp_sample_nlri(&of, of % BG_N_FAMILIES, nlri);
    of = bgp_sample_number(seed, 5);
    bgp_sample_attrs(&of, attrs);
    attrs->originator.family = 0;
    memset(&attrs->originator, 0, sizeof attrs->originator);
    attrs->next_hop = own;
    if (nlri->family == BG_VPNV4 && bgp_sample_number(seed, 2)) {
        nlri->label++;
    }
}

static void
the_peer_holds_what_is_wanted_whatever_happens(void **state)
{
    struct bg_attrs attrs;
    struct bg_nlri nlri;
    struct peer p;
    uint64_t token = 1;

    (void) state;
    for (uint64_t run = 1; run <= 60; run++) {
        uint64_t seed = run;
        bool is_up = false;

        begin(&p);
        p.as4 = run % 4;
        bg_rib_out_complete(p.out);
        for (int i = 0; i < 1500; i++) {
            uint32_t what = bgp_sample_number(&seed, 100);

            random_route(&seed, &nlri, &attrs);
            if (what < 55) {
                bg_rib_out_set(p.out, &nlri, &attrs, token++);
            } else if (what < 85) {
                bg_rib_out_unset(p.out, &nlri, token++);
            } else if (what < 93) {
                deliver(&p);
            } else if (what < 95) {
                deliver_all(&p);
                assert_int_equal(bg_rib_out_done(p.out),
                                 is_up ? token - 1 : bg_rib_out_done(p.out));
            } else if (what < 97 && is_up) {
                bg_rib_out_refresh(p.out, what % BG_N_FAMILIES);
            } else if (is_up && what == 97) {
                down(&p);
                is_up = false;
            } else if (!is_up) {
                up(&p, BG_ALL_FAMILIES);
                is_up = true;
            }
        }
        if (!is_up) {
            up(&p, BG_ALL_FAMILIES);
        }
        deliver_all(&p);
        assert_int_equal(p.ended, BG_ALL_FAMILIES);
        assert_same(&p);
        assert_int_equal(bg_rib_out_done(p.out), token - 1);
        end(&p);
    }
}

static void
equal_attributes_share_a_message(void **state)
{
    struct bg_attrs attrs = attrs_of(1);
    struct bg_nlri nlri = nlri_of("10.0.0.0/24");
    struct peer p;

    (void) state;
    begin(&p);
    bg_rib_out_complete(p.out);
    for (uint32_t i = 0; i < 100000; i++) {
        nlri.prefix.ip.b[1] = i >> 16;
        nlri.prefix.ip.b[2] = i >> 8;
        nlri.prefix.ip.b[3] = i;
        nlri.prefix.length = 32;
        bg_rib_out_set(p.out, &nlri, &attrs, i + 1);
    }
    up(&p, BG_BIT(BG_IPV4));
    deliver_all(&p);
    assert_same(&p);
    /* 5 bytes each, 4,046 of them in a message, and End-of-RIB. */
    assert_true(p.n_messages < 100000 / 800 + 2);
    assert_int_equal(bg_rib_out_done(p.out), 100000);
    end(&p);
}

static void
tokens_are_done_in_order_once_sent(void **state)
{
    struct peer p;

    (void) state;
    begin(&p);
    set(&p, "10.0.0.0/24", 1, 1);
    set(&p, "10.0.1.0/24", 2, 2);
    assert_int_equal(bg_rib_out_done(p.out), 0);
    up(&p, BG_ALL_FAMILIES);
    assert_true(deliver(&p));
    bg_rib_out_sent(p.out, p.offset);
    assert_int_equal(bg_rib_out_done(p.out), 0);    /* a replay is whole */
    assert_true(deliver(&p));
    assert_false(deliver(&p));
    assert_int_equal(bg_rib_out_done(p.out), 0);
    bg_rib_out_sent(p.out, p.offset - 1);
    assert_int_equal(bg_rib_out_done(p.out), 0);
    bg_rib_out_sent(p.out, p.offset);
    assert_int_equal(bg_rib_out_done(p.out), 2);
    assert_int_equal(p.n_progress, 1);
    set(&p, "10.0.2.0/24", 3, 5);
    set(&p, "10.0.3.0/24", 4, 6);
    set(&p, "10.0.4.0/24", 5, 7);
    bg_rib_out_advance(p.out, 9);
    assert_int_equal(bg_rib_out_done(p.out), 4);    /* 3 and 4 were none */
    assert_true(deliver(&p));
    bg_rib_out_sent(p.out, p.offset);
    assert_int_equal(bg_rib_out_done(p.out), 5);
    deliver_all(&p);
    assert_int_equal(bg_rib_out_done(p.out), 9);
    bg_rib_out_advance(p.out, 12);
    assert_int_equal(bg_rib_out_done(p.out), 12);
    set(&p, "10.0.4.0/24", 5, 13);                  /* no change */
    assert_int_equal(bg_rib_out_done(p.out), 13);
    down(&p);
    unset(&p, "10.0.4.0/24", 14);
    bg_rib_out_advance(p.out, 15);
    assert_int_equal(bg_rib_out_done(p.out), 13);
    up(&p, BG_ALL_FAMILIES);
    assert_int_equal(bg_rib_out_done(p.out), 13);
    deliver_all(&p);
    assert_int_equal(bg_rib_out_done(p.out), 15);
    end(&p);
}

static void
withdrawals_go_first_and_cancel(void **state)
{
    struct peer p;

    (void) state;
    begin(&p);
    up(&p, BG_ALL_FAMILIES);
    set(&p, "10.0.0.0/24", 1, 1);
    deliver_all(&p);
    set(&p, "10.0.1.0/24", 1, 2);
    unset(&p, "10.0.0.0/24", 3);
    assert_true(deliver(&p));
    assert_int_equal(bg_rib_in_count(p.in, BG_IPV4), 0);
    deliver_all(&p);
    size_t n = p.n_messages;
    unset(&p, "10.0.1.0/24", 4);
    set(&p, "10.0.1.0/24", 1, 5);
    set(&p, "10.0.2.0/24", 1, 6);
    unset(&p, "10.0.2.0/24", 7);
    deliver_all(&p);
    assert_int_equal(p.n_messages, n);
    assert_int_equal(bg_rib_out_done(p.out), 7);
    assert_same(&p);
    end(&p);
}

static void
the_end_is_said_only_when_the_owner_is_complete(void **state)
{
    struct peer p;

    (void) state;
    begin(&p);
    up(&p, BG_BIT(BG_EVPN) | BG_BIT(BG_IPV4));
    set(&p, "10.0.0.0/24", 1, 1);
    deliver_all(&p);
    assert_int_equal(p.ended, 0);
    p.n_changed = 0;
    bg_rib_out_complete(p.out);
    assert_int_equal(p.n_changed, 1);
    deliver_all(&p);
    assert_int_equal(p.ended, BG_BIT(BG_EVPN) | BG_BIT(BG_IPV4));
    down(&p);
    up(&p, BG_BIT(BG_EVPN));
    deliver_all(&p);
    assert_int_equal(p.ended, BG_BIT(BG_EVPN));
    assert_int_equal(bg_rib_in_stale(p.in), 1);     /* not negotiated now */
    assert_int_equal(bg_rib_out_done(p.out), 1);
    end(&p);
}

/* --- rib_in. */

static void
stale_paths_stay_until_the_end_is_said(void **state)
{
    struct bg_attrs attrs = attrs_of(1);
    struct bg_nlri a = nlri_of("10.0.0.0/24"), b = nlri_of("10.0.1.0/24");
    struct peer p;

    (void) state;
    begin(&p);
    bg_rib_in_up(p.in, BG_ALL_FAMILIES, &own);
    bg_rib_in_reach(p.in, &a, &attrs);
    bg_rib_in_reach(p.in, &b, &attrs);
    assert_int_equal(p.n_learned, 2);
    bg_rib_in_down(p.in);
    assert_int_equal(bg_rib_in_stale(p.in), 2);
    bg_rib_in_up(p.in, BG_ALL_FAMILIES, &own);
    bg_rib_in_reach(p.in, &a, &attrs);
    assert_int_equal(p.n_learned, 2);               /* as before */
    assert_int_equal(bg_rib_in_stale(p.in), 1);
    assert_false(bg_rib_in_is_complete(p.in, BG_IPV4));
    bg_rib_in_end(p.in, BG_IPV4);
    assert_int_equal(p.n_lost, 1);
    assert_int_equal(p.n_complete, 1);
    assert_true(bg_rib_in_is_complete(p.in, BG_IPV4));
    bg_rib_in_end(p.in, BG_IPV4);
    assert_int_equal(p.n_complete, 1);
    bg_rib_in_down(p.in);
    bg_rib_in_expire(p.in);
    assert_int_equal(p.n_lost, 2);
    assert_int_equal(p.n_complete, 1);
    bg_rib_in_up(p.in, BG_BIT(BG_EVPN), &own);
    bg_rib_in_expire(p.in);
    assert_int_equal(p.n_complete, 2);
    end(&p);
}

static void
own_routes_are_ignored(void **state)
{
    struct bg_attrs attrs = attrs_of(1), ours = attrs_of(1);
    struct bg_nlri a = nlri_of("10.0.0.0/24");
    struct peer p;

    (void) state;
    ours.originator = own;
    begin(&p);
    bg_rib_in_up(p.in, BG_ALL_FAMILIES, &own);
    bg_rib_in_reach(p.in, &a, &ours);
    assert_int_equal(p.n_learned, 0);
    bg_rib_in_reach(p.in, &a, &attrs);
    bg_rib_in_reach(p.in, &a, &ours);               /* ours has won */
    assert_int_equal(p.n_learned, 1);
    assert_int_equal(p.n_lost, 1);
    end(&p);
}

static void
changes_are_told_and_a_limit_holds(void **state)
{
    struct bg_attrs attrs = attrs_of(1), other = attrs_of(2);
    struct bg_nlri a = nlri_of("10.0.0.0/24"), b = nlri_of("10.0.1.0/24");
    struct peer p;

    (void) state;
    memset(&p, 0, sizeof p);
    p.in = bg_rib_in_new(&callbacks, &p, 1);
    bg_rib_in_up(p.in, BG_ALL_FAMILIES, &own);
    bg_rib_in_reach(p.in, &a, &attrs);
    bg_rib_in_reach(p.in, &a, &attrs);
    bg_rib_in_reach(p.in, &a, &other);
    bg_rib_in_reach(p.in, &b, &attrs);
    assert_int_equal(p.n_learned, 2);
    assert_int_equal(bg_rib_in_refused(p.in), 1);
    bg_rib_in_unreach(p.in, &b);
    bg_rib_in_unreach(p.in, &a);
    assert_int_equal(p.n_lost, 1);
    assert_int_equal(bg_rib_in_count(p.in, BG_IPV4), 0);
    bg_rib_in_free(p.in);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_peer_holds_what_is_wanted_whatever_happens),
        cmocka_unit_test(equal_attributes_share_a_message),
        cmocka_unit_test(tokens_are_done_in_order_once_sent),
        cmocka_unit_test(withdrawals_go_first_and_cancel),
        cmocka_unit_test(the_end_is_said_only_when_the_owner_is_complete),
        cmocka_unit_test(stale_paths_stay_until_the_end_is_said),
        cmocka_unit_test(own_routes_are_ignored),
        cmocka_unit_test(changes_are_told_and_a_limit_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
