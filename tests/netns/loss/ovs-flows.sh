#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Saves and restores flows as `ovs-ctl restart` does, with the functions of
# Open vSwitch's own ovs-lib and ovs-save, which OVS_RUNDIR leads to a switch:
#
#   ovs-flows.sh save SCRIPT    ovs-ctl's save_flows_if_required
#   ovs-flows.sh wait           flow_restore_wait
#   ovs-flows.sh restore SCRIPT restore_flows, flow_restore_complete
#
# ovs-ctl itself loads a kernel module and stops daemons with sleeps in
# between; the caller does better than that.
. "${OVS_PKGDATADIR:-/usr/share/openvswitch}/scripts/ovs-lib" || exit 1
DELETE_BRIDGES=no
script_flows=$2
case $1 in
save) save_flows_if_required ;;
wait) flow_restore_wait ;;
restore) restore_flows; flow_restore_complete ;;
*) exit 2 ;;
esac
