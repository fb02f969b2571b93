#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016 # the scripts are for the lab's shell
# Programs that people use, over --net user with a list of names: each over the device and over the fast path.

# bats file_tags=root

bats_require_minimum_version 1.5.0

HERE=${SBX_SRCDIR:-$BATS_TEST_DIRNAME/../..}/tests/net
SBX=${SBX:-$BATS_TEST_DIRNAME/../../sbx}

# Runs a script on the lab's host (lab.sh), where /run/www is served at mirror.example.org:8080 from the
# world. In it, box runs a command in a sandbox that may go there; $accel is the way.
lab() {
    "$HERE/lab.sh" bash -euc '
        HERE='"'$HERE'"'
        . "$HERE/lab.bash"
        mkdir /run/www
        web() { # /run/www at an address
            web_server "$1" 8080 /run/www
        }
        box() {
            '"'$SBX'"' --ro-bind /usr /usr --ro-bind /run /run --unshare-all --net user --net-accel=$accel \
                --net-allow mirror.example.org:8080,9418 "$@"
        }
        '"$1"
}

setup() {
    # shellcheck source=tests/net/lab.bash
    . "$HERE/lab.bash"
    need_lab
}

@test "curl: a large file each way, many at once, either family" {
    command -v curl >/dev/null || skip "curl is not installed"
    lab 'head -c $((LARGE / 4)) /dev/urandom >/run/www/large
         for i in $(seq 60); do echo "file $i" >/run/www/small$i; done
         web 203.0.113.10
         web 2001:db8:2::10
         for accel in off splice; do
            for family in -4 -6; do
                box curl -sSf $family http://mirror.example.org:8080/large | cmp - /run/www/large
            done
            box curl -sSf --parallel "http://mirror.example.org:8080/small[1-60]" | sort >/run/got
            cat /run/www/small* | sort | cmp - /run/got
            box curl -sSf --http1.0 -r 1000000-1000999 http://mirror.example.org:8080/large | head -c 1000 | wc -c | grep -x 1000
            if box curl -s -m 5 http://other.example.org:8080/; then exit 1; fi
         done
         # an upload: what the other end has got is what was sent
         ip netns exec world python3 -c "
import hashlib, http.server
class Put(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        digest = hashlib.sha256(self.rfile.read(int(self.headers[\"Content-Length\"]))).hexdigest().encode()
        self.send_response(200); self.send_header(\"Content-Length\", \"64\"); self.end_headers(); self.wfile.write(digest)
http.server.HTTPServer((\"203.0.113.10\", 9418), Put).serve_forever()" 2>>/run/log &
         until_true curl -s -o /dev/null http://203.0.113.10:9418/
         for accel in off splice; do
            box curl -sSf -4 -T /run/www/large \
                http://mirror.example.org:9418/ >/run/got
            [ "$(cat /run/got)" = "$(sha256sum /run/www/large | cut -d" " -f1)" ]
         done'
}

@test "git: a clone from git daemon and over HTTP, and a push" {
    command -v git >/dev/null || skip "git is not installed"
    lab 'export HOME=/run GIT_CONFIG_NOSYSTEM=1
         printf "[user]\nname = lab\nemail = lab@example.org\n[init]\ndefaultBranch = main\n[safe]\ndirectory = *\n" >/run/.gitconfig
         git init -q /run/tree
         cd /run/tree
         for i in $(seq 200); do head -c 20000 /dev/urandom | base64 >file$i; done
         git add . && git commit -qm "many files"
         git clone -q --bare /run/tree /run/www/tree.git
         git -C /run/www/tree.git update-server-info
         git -C /run/www/tree.git config daemon.receivepack true
         ip netns exec world git daemon --base-path=/run/www --export-all --reuseaddr --listen=203.0.113.10 2>>/run/log &
         web 203.0.113.10
         until_true git ls-remote git://203.0.113.10/tree.git >/dev/null
         for accel in off splice; do
            for url in git://mirror.example.org/tree.git http://mirror.example.org:8080/tree.git; do
                rm -rf /run/got && mkdir /run/got
                box --setenv HOME /run --bind /run/got /work git clone -q -b main "$url" /work/tree
                diff -r -x .git /run/tree /run/got/tree
                git -C /run/got/tree fsck --strict
            done
            box --setenv HOME /run --bind /run/got /work bash -euc "
                cd /work/tree
                git commit -q --allow-empty -m $accel
                git push -q git://mirror.example.org/tree.git main:$accel"
            git -C /run/www/tree.git log -1 --format=%s $accel | grep -x $accel
            if box --setenv HOME /run git ls-remote git://203.0.113.20/tree.git; then exit 1; fi
         done'
}

@test "apt-get: update, and a package" {
    command -v apt-get >/dev/null || skip "cannot run here: this system has no apt-get"
    lab 'root=/run/package
         mkdir -p $root/DEBIAN $root/usr/share/sbx-lab /run/www/apt
         head -c 3000000 /dev/urandom >$root/usr/share/sbx-lab/data
         printf "%s\n" "Package: sbx-lab" "Version: 1" "Architecture: all" "Maintainer: lab <lab@example.org>" \
            "Description: a package of the lab" >$root/DEBIAN/control
         chmod -R u=rwX,go=rX $root
         dpkg-deb --root-owner-group --build $root /run/www/apt/sbx-lab.deb >/dev/null
         cd /run/www/apt
         { cat $root/DEBIAN/control
           echo "Filename: ./sbx-lab.deb"
           echo "Size: $(stat -c %s sbx-lab.deb)"
           echo "SHA256: $(sha256sum sbx-lab.deb | cut -d" " -f1)"; } >Packages
         { echo "Date: $(date -u -R)"
           echo "SHA256:"
           echo " $(sha256sum Packages | cut -d" " -f1) $(stat -c %s Packages) Packages"; } >Release
         web 203.0.113.10
         mkdir -p /run/apt/conf
         echo "deb [trusted=yes] http://mirror.example.org:8080/apt ./" >/run/apt/sources.list
         printf "%s\n" "Dir::State \"/work/state\";" "Dir::State::status \"/work/status\";" "Dir::Cache \"/work/cache\";" \
            "Dir::Etc::sourcelist \"/run/apt/sources.list\";" "Dir::Etc::sourceparts \"-\";" "Dir::Etc::parts \"-\";" \
            "APT::Sandbox::User \"\";" "Acquire::Retries \"0\";" "APT::Update::Error-Mode \"any\";" >/run/apt/apt.conf
         for accel in off splice; do
            rm -rf /run/got && mkdir -p /run/got/state/lists/partial /run/got/cache/archives/partial
            : >/run/got/status
            box --setenv APT_CONFIG /run/apt/apt.conf --bind /run/got /work bash -euc "
                cd /work
                apt-get -q update
                apt-get -q download sbx-lab"
            cmp /run/got/sbx-lab_1_all.deb sbx-lab.deb
            # elsewhere it may not go, and says so
            sed -i s/mirror/other/ /run/apt/sources.list
            if box --setenv APT_CONFIG /run/apt/apt.conf --bind /run/got /work apt-get -q update; then exit 1; fi
            sed -i s/other/mirror/ /run/apt/sources.list
         done'
}

@test "podman: containers with this as their slirp4netns, out, by name, and published in both ways" {
    command -v podman >/dev/null || skip "podman is not installed"
    unshare --user --map-root-user --cgroup --mount mount -t cgroup2 cgroup2 /sys/fs/cgroup ||
        skip "cannot run here: no runtime works without cgroup2, and it may not be mounted"
    lab 'mkdir -p /run/bin /run/containers /run/rootfs/{usr,proc,sys,dev,etc,tmp,run}
         for d in bin sbin lib lib64; do ln -s usr/$d /run/rootfs/$d; done
         slirp4netns_as /run/bin/slirp4netns
         # nothing of the user'"'"'s or of the system'"'"'s, and no registry
         export HOME=/run/containers XDG_RUNTIME_DIR=/run/containers _CONTAINERS_USERNS_CONFIGURED=done
         export CONTAINERS_CONF=$HOME/containers.conf CONTAINERS_STORAGE_CONF=$HOME/storage.conf
         printf "%s\n" "[engine]" "network_cmd_path = \"/run/bin/slirp4netns\"" "cgroup_manager = \"cgroupfs\"" \
            "events_logger = \"file\"" "[containers]" "log_driver = \"k8s-file\"" >$CONTAINERS_CONF
         printf "%s\n" "[storage]" "driver = \"vfs\"" "graphroot = \"/run/containers/storage\"" \
            "runroot = \"/run/containers/run\"" >$CONTAINERS_STORAGE_CONF
         cat >/run/script <<END
mount -t cgroup2 cgroup2 /sys/fs/cgroup # a runtime looks at it even if it is to make none
mount -t tmpfs tmpfs /dev/shm           # podman leaves its locks there, which no other user may open
. $HERE/lab.bash
container() { # OPTION-OF-NETWORK OPTION... -- COMMAND...
    local options=("--network=slirp4netns\$1")
    shift
    while [ \$1 != -- ]; do options+=("\$1"); shift; done
    shift
    podman run --rm --cgroups=disabled --ulimit=host -v /usr:/usr:ro -v $HERE:$HERE:ro "\${options[@]}" \
        --rootfs /run/rootfs "\$@"
}
container "" -- sh -euc "
    $PEER tcp mirror.example.org 9 hash 1000000
    $PEER tcp 2001:db8:2::10 19 source 1000000
    $PEER udp 203.0.113.10 7 1000
    if TIMEOUT=3 $PEER tcp 10.0.2.2 9099; then exit 1; fi"
for handler in slirp4netns rootlesskit; do
    container :port_handler=\$handler -p 127.0.0.1:18000:8003 --name \$handler -- $PEER server 8000 >/run/server &
    until_true grep -q listening /run/server
    $PEER tcp 127.0.0.1 18000 hello
    podman stop -t 0 \$handler >/dev/null
    wait \$! || [ \$? = 137 ]
    : >/run/server
done
until_true no_process slirp4netns
END
         "$PEER" catcher 9099 >/run/catcher &
         until_true grep -q listening /run/catcher
         unshare --cgroup --mount bash -eu /run/script'
}
