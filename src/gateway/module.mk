# vxgatewayd, beside FRR on each gateway.
noinst_LIBRARIES += src/gateway/libvxgateway.a
src_gateway_libvxgateway_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(LIBNL_CFLAGS)
src_gateway_libvxgateway_a_SOURCES =

# What touches the machine: kernel, OVS ports, configuration of FRR.
src_gateway_libvxgateway_a_SOURCES += \
	src/gateway/kernel.c src/gateway/kernel.h \
	src/gateway/kernel_do.c src/gateway/kernel_priv.h \
	src/gateway/kernel_look.c \
	src/gateway/kernel_plan.c src/gateway/kernel_plan.h \
	src/gateway/kernel_rules.c \
	src/gateway/kernel_want.c \
	src/gateway/kernel_watch.c \
	src/gateway/leg_ovs.c src/gateway/leg_ovs.h \
	src/gateway/leg_rows.c src/gateway/leg_rows.h \
	src/gateway/netns.c src/gateway/netns.h \
	src/gateway/nl.c src/gateway/nl.h \
	src/gateway/vty.c src/gateway/vty.h

LIBS_GATEWAY = src/gateway/libvxgateway.a bgp/libvxbgp.a src/api/libvxapi.a \
	ovs-glue/libovsglue.a $(LIBS_CORE) $(OVS_LIBS) $(CJSON_LIBS) \
	$(LIBEVENT_LIBS) $(LIBNL_LIBS)
