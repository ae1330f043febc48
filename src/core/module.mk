# The functional core: decides, never acts. libc and src/lib only
# (tests/check-symbols.sh holds it to that).
noinst_LIBRARIES += src/core/libvxcore.a
src_core_libvxcore_a_SOURCES =
src_core_libvxcore_a_SOURCES += \
	src/core/compile.h \
	src/core/compile_answer.c \
	src/core/compile_base.c \
	src/core/compile_gateway.c \
	src/core/compile_hops.h \
	src/core/compile_host.c \
	src/core/compile_network.c \
	src/core/compile_policy.c \
	src/core/compile_port.c \
	src/core/compile_priv.h \
	src/core/compile_route.c \
	src/core/diff.c \
	src/core/diff.h \
	src/core/explain.c \
	src/core/explain.h \
	src/core/fabric.c \
	src/core/fabric.h \
	src/core/fabric_emit.c \
	src/core/fabric_graph.c \
	src/core/fabric_graph.h \
	src/core/fabric_port.c \
	src/core/fabric_query.c \
	src/core/fabric_tap.c \
	src/core/findings.c \
	src/core/findings.h \
	src/core/flow.c \
	src/core/flow.h \
	src/core/flow_format.c \
	src/core/health.c \
	src/core/health.h \
	src/core/hookq.c \
	src/core/hookq.h \
	src/core/icmp.c \
	src/core/icmp.h \
	src/core/order.c \
	src/core/order.h \
	src/core/pipeline.c \
	src/core/pipeline.h \
	src/core/punt.c \
	src/core/punt.h \
	src/core/ra.c \
	src/core/ra.h \
	src/core/repair.c \
	src/core/repair.h \
	src/core/rowset.c \
	src/core/rowset.h \
	src/core/trace.c \
	src/core/trace.h
src_core_libvxcore_a_SOURCES += \
	src/core/alloc.c \
	src/core/alloc.h \
	src/core/announce.c \
	src/core/announce.h \
	src/core/model.c \
	src/core/model.h \
	src/core/model_address.c \
	src/core/model_alloc.c \
	src/core/model_find.c \
	src/core/model_index.c \
	src/core/model_ops.c \
	src/core/model_priv.h \
	src/core/model_retired.c \
	src/core/object.c \
	src/core/object.h \
	src/core/op.h \
	src/core/runset.c \
	src/core/status.c \
	src/core/status.h \
	src/core/validate.c \
	src/core/validate.h \
	src/core/validate_delete.c \
	src/core/validate_model.c \
	src/core/validate_port.c
