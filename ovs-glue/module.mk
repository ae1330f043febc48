# OpenFlow and OVSDB, encoded and decoded by libopenvswitch. The only folder
# that includes openvswitch/*.h.
#
# <config.h> here is Open vSwitch's own, from its tree, and a source that
# includes any of its headers includes it first, since they test its macros.
# Ours is called vxconfig.h and must not be included here: both define
# PACKAGE_VERSION. Our headers are found as "ovs-glue/x.h", "core/x.h",
# "lib/x.h"; those of Open vSwitch's lib/ by bare name ("flow.h", "util.h"),
# never as "lib/x.h", which is our src/lib. They come by -isystem, so that our
# warnings do not judge them. Per-library CPPFLAGS keep these paths out of all
# other folders; a test of ovs-glue that needs them sets
# tests_unit_test_X_CPPFLAGS = $(OVS_GLUE_CPPFLAGS).
OVS_GLUE_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(OVS_CPPFLAGS)

noinst_LIBRARIES += ovs-glue/libovsglue.a
ovs_glue_libovsglue_a_CPPFLAGS = $(OVS_GLUE_CPPFLAGS)
ovs_glue_libovsglue_a_SOURCES = \
	ovs-glue/of_codec.c ovs-glue/of_codec.h \
	ovs-glue/of_counts.c ovs-glue/of_counts.h \
	ovs-glue/of_crows.c \
	ovs-glue/of_encode.c ovs-glue/of_encode.h \
	ovs-glue/of_explain.c \
	ovs-glue/of_queue.c ovs-glue/of_queue.h \
	ovs-glue/of_session.c ovs-glue/of_session.h \
	ovs-glue/of_wire.c ovs-glue/of_wire.h

# OVSDB half.
ovs_glue_libovsglue_a_SOURCES += \
	ovs-glue/bootstrap.c ovs-glue/bootstrap.h \
	ovs-glue/bootstrap_strange.c \
	ovs-glue/ovsdb_claims.c ovs-glue/ovsdb_claims.h \
	ovs-glue/ovsdb_codec.c ovs-glue/ovsdb_codec.h \
	ovs-glue/ovsdb_json.c \
	ovs-glue/ovsdb_session.c ovs-glue/ovsdb_session.h \
	ovs-glue/ovsdb_view.c ovs-glue/ovsdb_view.h
