# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the cases of this folder share. They need a machine with a user's systemd and every controller, of
# which check-vm.sh makes one; anywhere else they skip.

load ../../lib/common

setup() {
    [[ ${SBX_VM-} == 1 ]] || skip_cannot "a case for the guest of make check-vm"
    common_setup
    XDG_RUNTIME_DIR=/run/user/$(id -u)
    export XDG_RUNTIME_DIR
    export DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
}

# sbx ARGS...: a captured sandbox, natively, with the host's programs and cgroup tree in sight.
sbx() {
    capture "$SBX" --bare "${ROOT[@]}" --dev /dev --ro-bind /sys /sys --unshare-pid --proc /proc "$@"
}

# in_leaf FILE...: a payload that prints files of its own cgroup.
in_leaf() {
    # shellcheck disable=SC2016 # for the inner shell
    printf 'cd /sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup) && cat %s' "$*"
}

# report KEY: what $T/report says of it.
report() {
    jq -r ".$1" "$T/report"
}

# no_trace: no unit, no cgroup and no process of a sandbox is left, at the latest in a while.
no_units() {
    [[ -z $(systemctl --user list-units --all --no-legend --plain 'sbx-*') ]]
}

no_cgroups() {
    [[ -z $(find /sys/fs/cgroup -name 'sbx-*.scope' -o -type d -name 'sbx-[0-9a-z]*' ! -name 'sbx*.service') ]]
}

no_processes() {
    ! pgrep -x 'sbx|sbx-scope|sbx-cleaner' && ! pgrep -f 'sleep 9876[0-9]'
}

no_trace() {
    wait_for 30 no_processes && wait_for 30 no_units && wait_for 30 no_cgroups
}
