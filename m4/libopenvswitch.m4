# SPDX-License-Identifier: Apache-2.0
#
# Finds libopenvswitch with its internal headers. Debian has no package with
# either, so tools/build-libopenvswitch makes both once, in a cache, from the
# package openvswitch-source (about a minute; seconds when cached).
#
# --with-ovs-source=DIR takes another source tree of Open vSwitch. A tree that
# is configured and built in place is used as it is; any other is copied to the
# cache and built there, never written to.
#
# Sets OVS_SOURCE, OVS_VERSION, OVS_CPPFLAGS, OVS_LIBS.
AC_DEFUN([VX_LIBOPENVSWITCH],
  [AC_ARG_WITH([ovs-source],
     [AS_HELP_STRING([--with-ovs-source=DIR],
        [source tree of Open vSwitch, built or not, instead of Debian's
         openvswitch-source])],
     [], [with_ovs_source=])
   AS_CASE([$with_ovs_source],
     [yes|no], [AC_MSG_ERROR([--with-ovs-source needs a directory])])
   AC_MSG_NOTICE([looking for libopenvswitch (a first build takes a minute)])
   OVS_SOURCE=`"$srcdir/tools/build-libopenvswitch" $with_ovs_source`
   AS_IF([test -z "$OVS_SOURCE" ||
          test ! -f "$OVS_SOURCE/lib/.libs/libopenvswitch.a"],
     [AC_MSG_ERROR([no libopenvswitch. Install the Debian package
  openvswitch-source (./build.sh does) or give --with-ovs-source=DIR])])
   OVS_VERSION=`sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' \
                "$OVS_SOURCE/config.h"`
   # -isystem: the warnings of foreign headers are not ours to mend.
   OVS_CPPFLAGS="-isystem $OVS_SOURCE -isystem $OVS_SOURCE/include"
   OVS_CPPFLAGS="$OVS_CPPFLAGS -isystem $OVS_SOURCE/lib"
   OVS_LIBS="$OVS_SOURCE/lib/.libs/libopenvswitch.a"
   AS_IF([test -f "$OVS_SOURCE/lib/.libs/libopenvswitchavx512.a"],
     [OVS_LIBS="$OVS_LIBS $OVS_SOURCE/lib/.libs/libopenvswitchavx512.a"])
   # What the archive itself wants is written in the tree's Makefile (LIBS:
   # -lm -lpthread -latomic and, as its configure found them, libcap-ng, unbound).
   ovs_makefile_libs=`sed -n 's/^LIBS = //p' "$OVS_SOURCE/Makefile"`
   OVS_LIBS="$OVS_LIBS $ovs_makefile_libs -latomic -lm -lpthread"

   AC_MSG_CHECKING([whether libopenvswitch $OVS_VERSION links])
   vx_save_CPPFLAGS=$CPPFLAGS vx_save_LIBS=$LIBS
   CPPFLAGS="$OVS_CPPFLAGS $CPPFLAGS" LIBS="$OVS_LIBS $LIBS"
   AC_LINK_IFELSE(
     [AC_LANG_SOURCE([[#include <config.h>
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
int main(void)
{
    ofpbuf_delete(ofpraw_alloc(OFPRAW_OFPT_HELLO, OFP15_VERSION, 0));
    return 0;
}]])],
     [AC_MSG_RESULT([yes])],
     [AC_MSG_RESULT([no])
      AC_MSG_ERROR([libopenvswitch in $OVS_SOURCE does not link: config.log])])
   CPPFLAGS=$vx_save_CPPFLAGS LIBS=$vx_save_LIBS
   AC_SUBST([OVS_SOURCE])
   AC_SUBST([OVS_VERSION])
   AC_SUBST([OVS_CPPFLAGS])
   AC_SUBST([OVS_LIBS])])
