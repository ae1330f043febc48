# vxfabricd: wiring only. main.c is four lines around the library.
noinst_LIBRARIES += src/daemon/libvxdaemon.a
src_daemon_libvxdaemon_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
src_daemon_libvxdaemon_a_SOURCES = \
	src/daemon/app.c src/daemon/app.h

sbin_PROGRAMS += bin/vxfabricd
bin_vxfabricd_SOURCES = src/daemon/main.c
bin_vxfabricd_LDADD = $(LIBS_DAEMON)
