# vxgatewayd, beside FRR on each gateway.
noinst_LIBRARIES += src/gateway/libvxgateway.a
src_gateway_libvxgateway_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(LIBNL_CFLAGS) $(CJSON_CFLAGS)
src_gateway_libvxgateway_a_SOURCES =

# What touches the machine: kernel, OVS ports, configuration of FRR.
src_gateway_libvxgateway_a_SOURCES += \
	src/gateway/drift.c src/gateway/drift.h \
	src/gateway/end.c src/gateway/end.h \
	src/gateway/frr_config.c src/gateway/frr_config.h \
	src/gateway/frr_diff.c src/gateway/frr_diff.h \
	src/gateway/frr_gather.c src/gateway/frr_gather.h \
	src/gateway/frr_drift.c src/gateway/frr_drift.h \
	src/gateway/frr_text.c src/gateway/frr_text.h \
	src/gateway/frr_want.c src/gateway/frr_want.h \
	src/gateway/kernel.c src/gateway/kernel.h \
	src/gateway/kernel_do.c src/gateway/kernel_priv.h \
	src/gateway/kernel_look.c \
	src/gateway/kernel_plan.c src/gateway/kernel_plan.h \
	src/gateway/kernel_rules.c \
	src/gateway/kernel_want.c \
	src/gateway/kernel_watch.c \
	src/gateway/leg_ovs.c src/gateway/leg_ovs.h \
	src/gateway/leg_rows.c src/gateway/leg_rows.h \
	src/gateway/moves.c src/gateway/moves.h \
	src/gateway/netns.c src/gateway/netns.h \
	src/gateway/nl.c src/gateway/nl.h \
	src/gateway/spare.c src/gateway/spare.h \
	src/gateway/vty.c src/gateway/vty.h

# The daemon: what the controller tells, what zebra and BGP are told, what
# they tell.
src_gateway_libvxgateway_a_SOURCES += \
	src/gateway/app.c src/gateway/app.h \
	src/gateway/apply.c src/gateway/apply.h \
	src/gateway/audit.c src/gateway/audit.h \
	src/gateway/audit_parts.c \
	src/gateway/bfd.c \
	src/gateway/doubts.c \
	src/gateway/claims.c src/gateway/claims.h \
	src/gateway/frr_refused.c src/gateway/frr_refused.h \
	src/gateway/entries.c src/gateway/entries.h \
	src/gateway/entry.h \
	src/gateway/feed.c src/gateway/feed.h \
	src/gateway/feed_codec.c src/gateway/feed_codec.h \
	src/gateway/frr.c src/gateway/frr.h \
	src/gateway/ghosts.c \
	src/gateway/nexthops.c \
	src/gateway/vrf_ids.c \
	src/gateway/hear.c \
	src/gateway/http.c src/gateway/http.h \
	src/gateway/keep.c src/gateway/keep.h \
	src/gateway/kept.c \
	src/gateway/learned.c src/gateway/learned.h \
	src/gateway/limits.c src/gateway/limits.h \
	src/gateway/left_out.c src/gateway/left_out.h \
	src/gateway/metrics.c \
	src/gateway/node.c src/gateway/node.h \
	src/gateway/options.c src/gateway/options.h \
	src/gateway/peers.c \
	src/gateway/troubles.c \
	src/gateway/readvertise.c src/gateway/readvertise.h \
	src/gateway/remains.c src/gateway/remains.h \
	src/gateway/report.c src/gateway/report.h \
	src/gateway/rules.c src/gateway/rules.h \
	src/gateway/sessions.c src/gateway/sessions.h \
	src/gateway/speaker.c src/gateway/speaker.h \
	src/gateway/strays.c \
	src/gateway/underlay.c src/gateway/underlay.h \
	src/gateway/wanted.c src/gateway/wanted.h \
	src/gateway/wire.c

LIBS_GATEWAY = src/gateway/libvxgateway.a bgp/libvxbgp.a src/api/libvxapi.a \
	src/shell/libvxshell.a ovs-glue/libovsglue.a $(LIBS_CORE) $(OVS_LIBS) $(CJSON_LIBS) \
	$(LIBEVENT_LIBS) $(LIBNL_LIBS) $(CURL_LIBS)

sbin_PROGRAMS += bin/vxgatewayd
bin_vxgatewayd_SOURCES = src/gateway/main.c
bin_vxgatewayd_LDADD = $(LIBS_GATEWAY)
