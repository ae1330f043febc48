# vxfabricd: wiring only. main.c is four lines around the library.
noinst_LIBRARIES += src/daemon/libvxdaemon.a
src_daemon_libvxdaemon_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(CRYPTO_CFLAGS)
src_daemon_libvxdaemon_a_SOURCES = \
	src/daemon/app.c src/daemon/app.h \
	src/daemon/audit.c src/daemon/audit.h src/daemon/audit_priv.h \
	src/daemon/audit_api.c src/daemon/audit_gateways.c \
	src/daemon/audit_lacks.c \
	src/daemon/backend.c \
	src/daemon/borders.c src/daemon/borders.h \
	src/daemon/commit.c src/daemon/commit.h \
	src/daemon/counters.c src/daemon/counters.h \
	src/daemon/counters_api.c src/daemon/counters_burst.c \
	src/daemon/counters_priv.h \
	src/daemon/events.c src/daemon/events.h \
	src/daemon/facts.c \
	src/daemon/gateways.c src/daemon/gateways.h \
	src/daemon/gateways_priv.h \
	src/daemon/gateways_api.c src/daemon/gateways_feed.c \
	src/daemon/gateways_audience.c src/daemon/gateways_audience.h \
	src/daemon/gateways_hold.c src/daemon/gateways_learn.c \
	src/daemon/gateways_legs.c \
	src/daemon/gateways_limit.c src/daemon/gateways_report.c \
	src/daemon/gateways_vtep.c \
	src/daemon/health.c src/daemon/health.h \
	src/daemon/hook_dir.c src/daemon/hook_dir.h \
	src/daemon/hook_exec.c src/daemon/hook_exec.h \
	src/daemon/hooks.c src/daemon/hooks.h src/daemon/hooks_priv.h \
	src/daemon/hooks_api.c \
	src/daemon/hooks_journal.c \
	src/daemon/host_audit.c \
	src/daemon/host_conn.c \
	src/daemon/host_identity.c \
	src/daemon/host_iface.c \
	src/daemon/host_link.c \
	src/daemon/hosts.c src/daemon/hosts.h src/daemon/hosts_priv.h \
	src/daemon/load.c \
	src/daemon/metrics.c \
	src/daemon/metrics_traffic.c \
	src/daemon/moves.c src/daemon/moves.h \
	src/daemon/options.c src/daemon/options.h \
	src/daemon/plan.c \
	src/daemon/ports.c src/daemon/ports.h \
	src/daemon/probe.c src/daemon/probe.h \
	src/daemon/proofs.c \
	src/daemon/punts.c src/daemon/punts.h \
	src/daemon/react.c \
	src/daemon/receipts.c src/daemon/receipts.h \
	src/daemon/router_adv.c src/daemon/router_adv.h \
	src/daemon/routers.c \
	src/daemon/switch.c src/daemon/switch.h src/daemon/switch_priv.h \
	src/daemon/switch_audit.c \
	src/daemon/switch_count.c \
	src/daemon/switch_epoch.c \
	src/daemon/switch_pair.c \
	src/daemon/switch_resync.c \
	src/daemon/webhook.c src/daemon/webhook.h

sbin_PROGRAMS += bin/vxfabricd
bin_vxfabricd_SOURCES = src/daemon/main.c
bin_vxfabricd_LDADD = $(LIBS_DAEMON)
