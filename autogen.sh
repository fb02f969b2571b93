#!/bin/sh
# From a clean clone to a configure script, to a running sandbox, or to a tested one.
set -eu
cd "$(dirname "$0")"

usage() {
    cat <<'END'
usage: ./autogen.sh                          generate ./configure
       ./autogen.sh run [OPTIONS COMMAND]    set up, build, and run sbx (without arguments: a shell)
       ./autogen.sh check [MODE]             set up, build and run the test suite, here and in guests under
                                             qemu; MODE is one of --host (not in guests), --short (nor what --long
                                             runs whole), --vm (only in guests), --sanitizers --valgrind --distcheck --long --fuzz --lint
       ./autogen.sh setup [GROUP...]         install the packages of build, test, lint, vm
END
}

say() {
    printf 'autogen.sh: %s\n' "$*" >&2
}

die() {
    say "$*"
    exit 1
}

generate() {
    autoreconf --install --force
}

# Prints the package names of the groups given, out of column $1 (2 apt, 3 dnf) of tools/packages.
packages() {
    column=$1
    shift
    awk -v column="$column" -v groups=" $* " '
        !/^#/ && NF && index(groups, " " $1 " ") && $column != "-" { print $column }' tools/packages
}

missing_apt() {
    for package in $(packages 2 "$@"); do
        # shellcheck disable=SC2016 # a format of dpkg-query's, not a variable
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || echo "$package"
    done
}

missing_dnf() {
    for package in $(packages 3 "$@"); do
        rpm -q --quiet --whatprovides "$package" || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "neither root nor sudo here; as root, run: $*"
    fi
}

# Installs what is missing of the groups given, and says so; does nothing where nothing is missing.
setup() {
    if command -v apt-get >/dev/null; then
        missing=$(missing_apt "$@" | xargs)
        [ -n "$missing" ] || return 0
        say "installing with apt-get: $missing"
        as_root apt-get -q update || say "the package lists could not be updated; going on with those here"
        # shellcheck disable=SC2086 # a list of words
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing
    elif command -v dnf >/dev/null; then
        missing=$(missing_dnf "$@" | xargs)
        [ -n "$missing" ] || return 0
        say "installing with dnf: $missing"
        # shellcheck disable=SC2086 # a list of words
        as_root dnf -q install -y --setopt=install_weak_deps=False $missing
    else
        say "neither apt-get nor dnf here; these Debian packages, or the like, are needed:"
        packages 2 "$@" | xargs >&2
    fi
}

# Builds in the tree if it is configured there, else in build/, and leaves the name in $dir.
build() {
    [ -w . ] || die "$PWD: cannot be written by $(id -un), so sbx cannot be built here"
    [ -x configure ] || generate
    dir=build
    [ ! -e config.status ] || dir=.
    mkdir -p "$dir"
    [ -e "$dir/config.status" ] || (cd "$dir" && "$OLDPWD/configure" --quiet)
    make -C "$dir" -s -j"$(nproc)"
}

run() {
    setup build
    build >&2
    [ $# -gt 0 ] || set -- --ro-bind /usr /usr --unshare-all sh
    say "running: $dir/sbx $*"
    # the helpers are not installed, but built beside it
    SBX_LIBEXECDIR=$PWD/$dir exec "$dir/sbx" "$@"
}

case "${1-}" in
'') generate ;;
run)
    shift
    run "$@"
    ;;
check)
    shift
    case "${1-}" in
    --lint | --fuzz) setup build test lint ;;
    --vm) setup build test vm ;;
    '')
        setup build test
        (setup vm) || say "without what the guests need; going on with what there is"
        ;;
    *) setup build test ;;
    esac
    exec tools/suite "$@"
    ;;
setup)
    shift
    [ $# -gt 0 ] || set -- build test lint vm
    setup "$@"
    ;;
-h | --help) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
