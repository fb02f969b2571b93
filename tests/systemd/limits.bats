#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# With a real systemd that has no controllers to give: scopes are made, seen and gone again, and a limit
# that systemd accepts without a word and can't apply stops the run.
# bats file_tags=root

bats_require_minimum_version 1.5.0

setup() {
    [[ $(id -u) == 0 ]] || skip "cannot run here: not root"
    [[ -x /usr/lib/systemd/systemd ]] || skip "cannot run here: systemd is not installed"
    SBX=${SBX:-$BATS_TEST_DIRNAME/../../sbx}
    # where the private machine can see it, and its user may execute it
    cd "$(dirname "$SBX")"
    words="export SBX_LIBEXECDIR='$PWD' SBX='$SBX'; sbx() { '$SBX' --bare --dev-bind / / \"\$@\"; }
        # the cgroups and units of sandboxes; what goes while find looks is none
        cgroups() { find /sys/fs/cgroup -ignore_readdir_race -name 'sbx-*.scope' || :; }
        units() { systemctl --user list-units --all --no-legend 'sbx-*'; }
        left() { units; cgroups; pgrep -a 'sbx|sleep' | grep -v ' 0.1$' || :; }
        # until_none COMMAND: systemd takes its time, more so on a busy machine
        until_none() { for i in \$(seq 900); do [ -n \"\$(\$1)\" ] || break; sleep 0.1; done; }"
}

ns() {
    run --separate-stderr "$BATS_TEST_DIRNAME/run-ns.sh" "${@:1:$#-1}" -- "$words
${*: -1}"
    echo "status $status"
    echo "$output"
}

@test "a limit that nothing can hold is an error that names controller, file and way out" {
    if grep -qw memory "$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)/cgroup.controllers"; then
        skip "cannot run here: this machine has the memory controller on cgroup v2"
    fi
    ns 'sbx --memory 64M echo ran'
    [[ $status == 125 ]]
    [[ $output == *"--memory needs the memory controller, which is not delegated to you"* ]]
    [[ $output == *"/user.slice/user-"*"/user@"*".service/cgroup.controllers"* ]]
    [[ $output == *"/etc/systemd/system/user@.service.d/delegate.conf"* ]]
    [[ $output != *ran* ]]
    ns -m manager 'sbx --cgroup cgroupfs --pids-limit 5 echo ran'
    [[ $status == 125 ]]
    [[ $output == *"find a cgroup to hold the limits: "*"/cgroup.controllers has no pids"* ]]
    [[ $output != *ran* ]]
}

@test "a scope from a login session and from below the manager, seen by systemctl, gone afterwards" {
    for mode in login manager; do
        ns -m $mode 'sbx --cgroup systemd --name job --keep-id sh -c "
                systemctl --user show -p ActiveState -p Delegate -p CollectMode -p Slice sbx-job.scope
                sed -n s/^0:://p /proc/self/cgroup"
            until_none units
            units
            cgroups'
        [[ $status == 0 ]]
        [[ $(sort <<<"$output" | sed 's|^/.*/app|app|' | xargs) == *"ActiveState=active CollectMode=inactive-or-failed Delegate=yes Slice=app.slice"* ]]
        [[ $output =~ /app\.slice/sbx-job\.scope/payload ]]
        [[ $(grep -c sbx-job <<<"$output") == 1 ]] # the cgroup of then; no unit and no cgroup of later
    done
}

@test "either way to the manager is enough: its own socket, or a bus that is not the usual one" {
    ns '[ -S "$XDG_RUNTIME_DIR/bus" ] && [ -S "$XDG_RUNTIME_DIR/systemd/private" ] && echo both
        real=$XDG_RUNTIME_DIR
        export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent
        sbx --cgroup systemd sed -n "s|^0:.*/app.slice/sbx-.*|by its socket|p" /proc/self/cgroup
        export DBUS_SESSION_BUS_ADDRESS="unix:path=$real/bus" XDG_RUNTIME_DIR=/nonexistent
        sbx --cgroup systemd sed -n "s|^0:.*/app.slice/sbx-.*|by the bus|p" /proc/self/cgroup
        export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent
        sbx --cgroup systemd echo ran'
    [[ $status == 125 ]]
    [[ $output == *$'both\nby its socket\nby the bus\n'*"no systemd of the user's answers"* ]]
}

@test "a payload that was given the host's cgroup tree can't write it" {
    ns 'sbx --cgroup systemd sh -c "
        cd /sys/fs/cgroup\$(sed -n s/^0:://p /proc/self/cgroup)
        echo 3 >cgroup.max.depth || echo refused; cat cgroup.max.depth"'
    [[ $output == *$'refused\nmax'* ]]
}

@test "--delegate-cgroup: a root of its own, writable" {
    ns 'sbx --delegate-cgroup sh -c "
        sed -n s/^0:://p /proc/self/cgroup; cd /sys/fs/cgroup
        mkdir work && echo \$\$ >work/cgroup.procs && sed -n s/^0:://p /proc/self/cgroup"'
    [[ $status == 0 ]]
    [[ $output == *$'/\n/work' ]]
}

@test "a set-up that fails while systemd makes the scope leaves none" {
    for mode in login manager; do
        ns -m $mode 'for i in $(seq 30); do
                sbx --cgroup systemd --unshare-pid --ro-bind "/nonexistent$i" /x true 2>/dev/null || echo failed
            done | sort | uniq -c
            until_none units
            units'
        [[ $status == 0 ]]
        [[ $output =~ ^\ *30\ failed$ ]]
    done
}

@test "killed at random moments, nothing is left" {
    ns 'for i in $(seq 20); do
            # no function: $! is to be sbx itself
            "$SBX" --bare --dev-bind / / --cgroup systemd --unshare-pid --proc /proc sleep 98765 &
            sleep "0.0$((RANDOM % 10))"
            kill -KILL $!
            wait $! 2>/dev/null
        done
        until_none left
        echo "left: $(left)"'
    [[ $status == 0 ]]
    [[ ${output##*$'\n'} == "left: " ]]
}

@test "the user's manager killed during a run: the run ends, nothing is left" {
    ns '"$SBX" --bare --dev-bind / / --cgroup systemd --unshare-pid --proc /proc sleep 98765 &
        until systemctl --user list-units --no-legend "sbx-*" | grep -q running; do sleep 0.1; done
        kill -KILL "$(systemctl show -p MainPID --value "user@$(id -u).service")"
        wait $!
        echo "status $?"
        # there is no manager to ask for units
        units() { :; }
        until_none left
        echo "left: $(left)"'
    [[ $status == 0 ]]
    [[ $output == *"status 137"* ]]
    [[ ${output##*$'\n'} == "left: " ]]
}
