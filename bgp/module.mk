# zebra and BGP: codecs, sessions, RIBs. No daemon logic, no log. Only the
# sessions know libevent; everything else is pure.
LIBS_BGP = bgp/libvxbgp.a $(LIBS_LIB) $(LIBEVENT_LIBS)
noinst_LIBRARIES += bgp/libvxbgp.a
bgp_libvxbgp_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)

# The speaker.
bgp_libvxbgp_a_SOURCES = \
	bgp/attr_pool.c bgp/attr_pool.h \
	bgp/bgp_attr.c bgp/bgp_attr.h \
	bgp/bgp_attr_read.c bgp/bgp_attr_wire.h \
	bgp/bgp_codec.c bgp/bgp_codec.h \
	bgp/bgp_flow_action.c bgp/bgp_flow_split.c \
	bgp/bgp_flowspec.c bgp/bgp_flowspec.h \
	bgp/bgp_fsm.c bgp/bgp_fsm.h \
	bgp/bgp_nlri.c \
	bgp/bgp_session.c bgp/bgp_session.h \
	bgp/bgp_types.c bgp/bgp_types.h \
	bgp/bgp_update.c \
	bgp/bgp_wire.h \
	bgp/rib_in.c bgp/rib_in.h \
	bgp/rib_out.c bgp/rib_out.h

# The zebra half.
bgp_libvxbgp_a_SOURCES += \
	bgp/learned.c bgp/learned.h \
	bgp/pbr_check.c bgp/pbr_sync.c bgp/pbr_sync.h \
	bgp/route_machine.c bgp/route_priv.h \
	bgp/route_sync.c bgp/route_sync.h \
	bgp/zapi_codec.c bgp/zapi_codec.h bgp/zapi_encode.c \
	bgp/zapi_numbers.c bgp/zapi_numbers.h \
	bgp/zebra_input.c bgp/zebra_output.c bgp/zebra_priv.h \
	bgp/zebra_session.c bgp/zebra_session.h
