# netctl. Sees src/lib and the API codec (src/api) only.
noinst_LIBRARIES += src/cli/libvxcli.a
src_cli_libvxcli_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) \
	$(LIBNL_CFLAGS) $(CURL_CFLAGS)
src_cli_libvxcli_a_SOURCES = \
	src/cli/cli.c src/cli/cli.h

bin_PROGRAMS += bin/netctl
bin_netctl_SOURCES = src/cli/main.c
bin_netctl_LDADD = $(LIBS_CLI)
