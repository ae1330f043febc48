/* SPDX-License-Identifier: Apache-2.0 */
/* A whole fabric through the records of the store: what is read back is the
 * same, member by member, and makes the same model.  The lines below set each
 * member to something that is not its default. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/codec.h"
#include "tests/lib/model_check.h"
#include "tests/lib/model_fixture.h"
#include "tests/lib/model_reference.h"

static const char *const lines[] = {
    "put zone z2 path=border budget_kbps=77",
    "put tenant acme rd=65001:7 import=1:2 import=3:4 export=5:6"
        " quota_ports=90 quota_networks=80 budget_kbps=66",
    "put network acme/web evpn=no rt=9:9 rt=8:8 bum_pps=5 path=border",
    "put subnet acme/web/10.0.0.0/24 announce=yes hosts=yes"
        " range=10.0.0.9-10.0.0.20",
    "put gateway g1 host=h1 as=65001 router_id=192.0.2.99",
    "put gateway g2 host=h2",
    "put uplink up1 gateway=g1 peer=10.0.1.2 peer_as=4200000000"
        " local_as=65001 family=vpnv4 family=evpn family=flowspec bfd=yes"
        " hold=30 multihop=3 password=se\"cret\\ community=65001:9"
        " community=1:1 med=0 source=10.0.1.1 flowspec_in=yes",
    "put uplink up2 gateway=g2 peer=fd00:f::2 peer_as=1 family=vpnv6",
    "put peering acme/ce1 gateway=g1 peer=172.16.1.2 peer_as=65100"
        " family=ipv4 family=ipv6 device=ce0 readvertise=yes"
        " local=172.16.1.1/30"
        " local=fd00:c::1/64 import=0.0.0.0/0 import=fd00::/8"
        " export=10.0.0.0/8 med=70 pref=200 limit=50",
    "put network acme/_router origin=system",
    "put subnet acme/_router/169.254.64.0/18 origin=system",
    "put subnet acme/_router/fd76:7866:6162::/64 origin=system",
    "put port acme/_router/g1 origin=system leg=g1 host=h1 guard=no",
    "put route acme/0.0.0.0/0 via=169.254.64.2 origin=learned",
    "put route acme/203.0.113.0/24 via=10.0.0.9 announce=yes",
    "put host x1 zone=z external=yes vtep=192.0.2.77 origin=learned",
    "put port acme/web/far origin=learned host=x1 mobility=4294967295"
        " mac=02:00:00:00:00:07 ip=10.0.0.77",
    "put port acme/web/vm1 host=h1 rate_kbps=1 rate_pps=2 bum_pps=3",
    "put port acme/web/vm1 host=h2",
    "put port acme/web/vm2 host=h1",
    "put port acme/web/vm2 host=h2 from=h1",
    "put port acme/web/vm3 host=h1",
    "put port acme/web/vm3 host=h2 from=h1",
    "arrive port acme/web/vm3 host=h2",
    "put policy acme/p priority=5 where=hosts,gateway,flowspec"
        " dst=10.0.0.0/24 proto=6 dport=80-90 rate=1000",
    "put policy acme/q priority=6 gateway=yes src=10.0.0.0/24",
    "put policy acme/fs-1 origin=learned priority=20000"
        " where=hosts,gateway dst=10.0.0.0/24 dscp=3 set=7 network=web",
};

static void
load_from_record(struct vx_model *copy, const struct vx_obj *obj)
{
    struct vx_error err = { .code = VX_OK };
    struct vx_buf buf = VX_BUF_INIT;
    struct vx_obj *back;

    vx_codec_record(obj, &buf);
    back = vx_codec_record_parse(obj->kind, obj->oid, obj->revision,
                                 buf.data, buf.size, &err);
    if (!back) {
        fail_msg("%s: %s", vx_buf_str(&buf), err.message);
    }
    if (!vx_obj_same(obj, back) || back->revision != obj->revision) {
        fail_msg("not the same: %s", vx_buf_str(&buf));
    }
    if (!vx_model_load(copy, back, &err)) {
        fail_msg("%s: %s", vx_buf_str(&buf), err.message);
    }
    vx_buf_fini(&buf);
}

static void
a_fabric_is_the_same_after_its_records(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric(), *copy = fx_new_model();
    char *before, *after;
    struct ref_state s;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        fx_do(model, lines[i]);
    }
    vx_model_commit(model);
    ref_read(model, &s);
    for (size_t i = 0; i < s.n; i++) {
        load_from_record(copy, s.objs[i]);
    }
    vx_model_loaded(copy, vx_model_revision(model),
                    vx_model_last_oid(model));
    before = mc_dump(model);
    after = mc_dump(copy);
    assert_string_equal(before, after);
    mc_check_indexes(copy);
    free(before);
    free(after);
    vx_model_free(copy);
    vx_model_free(model);
}

struct old {
    enum vx_kind kind;
    const char *text;
};

/* As the version before gateways wrote them. */
static const struct old old_records[] = {
    { VX_ZONE, "{\"v\":1,\"name\":\"z\",\"parent\":0,\"description\":\"\","
      "\"num\":1,\"path\":1,\"budget_kbps\":0,\"borders\":[]}" },
    { VX_HOST, "{\"v\":1,\"name\":\"h1\",\"parent\":0,\"description\":\"\","
      "\"zone\":1,\"num\":1,\"system_id\":\"s\",\"vtep\":\"192.0.2.1\","
      "\"mtu\":1500,\"datapath\":\"\",\"stranger\":false,"
      "\"draining\":false}" },
    { VX_TENANT, "{\"v\":1,\"name\":\"acme\",\"parent\":0,"
      "\"description\":\"\",\"router_vni\":16777215,\"quota_networks\":0,"
      "\"quota_ports\":0,\"budget_kbps\":0}" },
    { VX_NETWORK, "{\"v\":1,\"name\":\"web\",\"parent\":3,"
      "\"description\":\"\",\"vni\":7,\"mtu\":1450,\"path\":0,"
      "\"bum_pps\":0}" },
    { VX_SUBNET, "{\"v\":1,\"name\":\"169.254.64.0/24\",\"parent\":4,"
      "\"description\":\"\",\"prefix\":\"169.254.64.0/24\","
      "\"gateway\":\"169.254.64.1\",\"ranges\":[],\"route\":true}" },
    { VX_PORT, "{\"v\":1,\"name\":\"vm1\",\"parent\":4,"
      "\"description\":\"\",\"mac\":\"0a:00:00:00:00:01\","
      "\"ips\":[\"169.254.64.9\"],\"host\":2,\"located\":0,"
      "\"iface_id\":\"i\",\"guard\":true}" },
    { VX_POLICY, "{\"v\":1,\"name\":\"p\",\"parent\":3,"
      "\"description\":\"\",\"num\":2,\"family\":0,\"network\":0,"
      "\"priority\":10,\"match\":{},\"action\":{\"type\":\"drop\"},"
      "\"where\":\"hosts\",\"fail\":\"open\"}" },
};

static void
records_of_the_version_before_are_an_operators(void **state)
{
    (void) state;
    struct vx_model *model = fx_new_model();
    struct ref_state s;

    for (size_t i = 0; i < sizeof old_records / sizeof old_records[0]; i++) {
        const struct old *old = &old_records[i];
        struct vx_error err = { .code = VX_OK };
        struct vx_obj *obj = vx_codec_record_parse(old->kind, i + 1, 1,
            old->text, strlen(old->text), &err);

        if (!obj || !vx_model_load(model, obj, &err)) {
            fail_msg("%s: %s", old->text, err.message);
        }
    }
    mc_check_indexes(model);
    ref_read(model, &s);
    for (size_t i = 0; i < s.n; i++) {
        assert_int_equal(s.objs[i]->origin, VX_BY_OPERATOR);
        if (s.objs[i]->kind == VX_POLICY) {
            assert_int_equal(((const struct vx_policy *) (const void *)
                              s.objs[i])->where, VX_WHERE_HOSTS);
        }
    }
    /* What was there before its prefix was taken stays. */
    fx_do(model, "put subnet acme/web/169.254.64.0/24 description=mine");
    vx_model_free(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fabric_is_the_same_after_its_records),
        cmocka_unit_test(records_of_the_version_before_are_an_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
