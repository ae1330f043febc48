# vxfabricd: wiring only. main.c is four lines around the library.
noinst_LIBRARIES += src/daemon/libvxdaemon.a
src_daemon_libvxdaemon_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
src_daemon_libvxdaemon_a_SOURCES = \
	src/daemon/app.c src/daemon/app.h \
	src/daemon/backend.c \
	src/daemon/commit.c src/daemon/commit.h \
	src/daemon/facts.c \
	src/daemon/host_conn.c \
	src/daemon/host_link.c \
	src/daemon/hosts.c src/daemon/hosts.h src/daemon/hosts_priv.h \
	src/daemon/metrics.c \
	src/daemon/options.c src/daemon/options.h \
	src/daemon/plan.c \
	src/daemon/ports.c src/daemon/ports.h \
	src/daemon/react.c \
	src/daemon/receipts.c src/daemon/receipts.h \
	src/daemon/switch.c src/daemon/switch.h

sbin_PROGRAMS += bin/vxfabricd
bin_vxfabricd_SOURCES = src/daemon/main.c
bin_vxfabricd_LDADD = $(LIBS_DAEMON)
