# The functional core: decides, never acts. libc and src/lib only
# (tests/check-symbols.sh holds it to that).
noinst_LIBRARIES += src/core/libvxcore.a
src_core_libvxcore_a_SOURCES =
src_core_libvxcore_a_SOURCES += \
	src/core/compile.h \
	src/core/compile_base.c \
	src/core/compile_host.c \
	src/core/compile_network.c \
	src/core/compile_port.c \
	src/core/diff.c \
	src/core/diff.h \
	src/core/flow.c \
	src/core/flow.h \
	src/core/flow_format.c \
	src/core/order.c \
	src/core/order.h \
	src/core/pipeline.c \
	src/core/pipeline.h
