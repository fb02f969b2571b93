# SPDX-License-Identifier: LGPL-2.1-or-later
# The harness itself: a systemd in private namespaces, what comes back from it, what it leaves.

# bats file_tags=root
bats_require_minimum_version 1.5.0

setup() {
    [ "$(id -u)" = 0 ] || skip "cannot run here: not root"
    [ -x /usr/lib/systemd/systemd ] || skip "cannot run here: systemd is not installed"
    NS=$BATS_TEST_DIRNAME/run-ns.sh
}

@test "output and status, as the user, with a manager and a bus" {
    run "$NS" -- 'id -un; systemctl --user show -p Version --value; echo "$DBUS_SESSION_BUS_ADDRESS"; exit 6'
    echo "$output"
    [ "$status" -eq 6 ]
    [ "${lines[0]}" = tester ]
    [ -n "${lines[1]}" ]
    [[ ${lines[2]} == unix:path=/run/user/* ]]
}

@test "login and manager are different places" {
    run "$NS" -m login -- 'sed -n s/^0:://p /proc/self/cgroup'
    [[ $output == */session-*.scope ]]
    run "$NS" -m manager -- 'sed -n s/^0:://p /proc/self/cgroup'
    [[ $output == */user@*.service/* ]]
}

@test "the caller's folder is visible, the machine is not changed" {
    run "$NS" -m root -- 'pwd; touch /usr/sbx-was-here /etc/sbx-was-here && echo made'
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "$PWD" ]
    [ "${lines[1]}" = made ]
    [ ! -e /usr/sbx-was-here ]
    [ ! -e /etc/sbx-was-here ]
}

@test "a command that takes too long is status 124, and nothing stays" {
    root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
    cgroup=$root$(sed -n 's/^0:://p' /proc/self/cgroup)
    "$NS" -t 10 -- 'sleep 1000' 3>&- &
    # of this run: others may go on beside it
    cgroup=${cgroup%/}/sbxns.$!
    until [ -d "$cgroup" ]; do
        kill -0 $!
        sleep 0.01
    done
    status=0
    wait $! || status=$?
    [ "$status" -eq 124 ]
    [ ! -e "$cgroup" ]
}
