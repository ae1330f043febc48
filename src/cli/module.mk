# netctl. Sees src/lib and the API codec (src/api) only.
noinst_LIBRARIES += src/cli/libvxcli.a
src_cli_libvxcli_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) \
	$(LIBNL_CFLAGS) $(CURL_CFLAGS)
src_cli_libvxcli_a_SOURCES = \
	src/cli/apply.c \
	src/cli/audit.c \
	src/cli/args.c src/cli/args.h \
	src/cli/bgp.c \
	src/cli/body.c \
	src/cli/call.c \
	src/cli/cli.c src/cli/cli.h \
	src/cli/client.c src/cli/client.h \
	src/cli/commands.h \
	src/cli/complete.c \
	src/cli/event.c src/cli/event.h \
	src/cli/gateway.c \
	src/cli/help.c \
	src/cli/hook.c \
	src/cli/host.c \
	src/cli/host_drain.c \
	src/cli/host_join.c \
	src/cli/host_leave.c \
	src/cli/host_plan.c src/cli/host_plan.h \
	src/cli/name.c src/cli/name.h \
	src/cli/network.c \
	src/cli/peering.c \
	src/cli/plan.c \
	src/cli/ovsdb_client.c src/cli/ovsdb_client.h \
	src/cli/port.c \
	src/cli/status.c \
	src/cli/subnet.c \
	src/cli/body_policy.c \
	src/cli/policy.c \
	src/cli/route.c \
	src/cli/suggest.c \
	src/cli/table.c src/cli/table.h \
	src/cli/tenant.c \
	src/cli/top.c \
	src/cli/underlay.c src/cli/underlay.h \
	src/cli/verbs.c \
	src/cli/watch.c \
	src/cli/writer.c src/cli/writer.h \
	src/cli/writer_json.c \
	src/cli/writer_name.c \
	src/cli/writer_table.c \
	src/cli/writer_yaml.c \
	src/cli/zone.c

bin_PROGRAMS += bin/netctl
bin_netctl_SOURCES = src/cli/main.c
bin_netctl_LDADD = $(LIBS_CLI)

# What the program prints, where bash-completion looks for it.
bashcompdir = $(datadir)/bash-completion/completions
bashcomp_DATA = src/cli/completion/netctl
CLEANFILES += src/cli/completion/netctl
src/cli/completion/netctl: bin/netctl
	$(AM_V_GEN)$(MKDIR_P) src/cli/completion && \
	    bin/netctl completion bash >$@.tmp && mv -f $@.tmp $@
