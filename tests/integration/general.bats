#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The options about sbx itself: help, versions, plans, argument files, messages, personalities.

load ../lib/common

options_file=$BATS_TEST_DIRNAME/../compat/bwrap-0.11.1.options

@test "--help, --version, --list-options" {
    local option

    capture "$SBX" --help
    ok
    like "$output" "^usage: .*sbx \[OPTIONS\.\.\.\] \[--\] COMMAND \[ARGS\.\.\.\]"
    # in groups, and nothing hidden
    (($(grep -c '^[A-Z].*:$' <<<"$output") > 4))
    hasnt "$output" --debug-opt
    while read -r option; do
        like "$output" "(^|[[:space:]])$option([[:space:],]|\$)" "usage without $option"
    done <"$options_file"
    capture "$SBX" --version
    ok
    like "$output" $'^sbx [0-9.]+\n'
    has "$output" 'bubblewrap 0.11.1'
    like "$output" $'\nfeatures: cgroupfs landlock seccomp systemd net oci-seccomp$'
    # what is not installed is not claimed
    SBX_LIBEXECDIR=$T capture "$SBX" --version
    ok
    like "$output" $'\nfeatures: cgroupfs landlock seccomp$'
    capture "$SBX" --list-options
    ok
    is "$(awk -F '\t' '$5 == "bwrap" { print "--" $1 }' <<<"$output" | sort)" "$(sort "$options_file")"
}

@test "what cannot be printed is an error" {
    local option

    for option in --help --version --list-options '--dry-run --ro-bind /usr /usr true'; do
        for PERSONALITY in native bwrap; do
            personality_words
            # shellcheck disable=SC2086
            capture sh -c 'exec "$@" >/dev/full' sh "${WORDS[0]}" $option
            refused 'print to standard output: No space left on device'
        done
    done
}

@test "without a command: usage on stderr, status 125" {
    capture "$SBX"
    is "$status" 125
    is "$output" ''
    like "$stderr" '^usage: '
}

@test "the name decides the personality" {
    local name

    for name in bwrap flatpak-bwrap exe; do
        ln -sf "$SBX" "$T/bin/$name"
        capture "$T/bin/$name" --version
        like "$output" '^bubblewrap 0\.11\.1' "$name"
    done
    for name in sbx bwrapper my-sbx; do
        ln -sf "$SBX" "$T/bin/$name"
        capture "$T/bin/$name" --version
        like "$output" '^sbx ' "$name"
    done
    # started again by a program inside, through what /proc calls exe
    capture "$SBX" --bare "${ROOT[@]}" --ro-bind "$SBX" /opt/sbx --proc /proc bash -c 'exec -a /proc/self/exe /opt/sbx --version'
    like "$output" '^bubblewrap '
}

@test "native options are accepted as bwrap, too" {
    capture "$BWRAP" "${ROOT[@]}" --keep-id --bare --mask /usr/share --dest-symlinks=follow sh -c 'ls -A /usr/share; id -u'
    ok
    is "$output" "$(id -u)"
    capture "$BWRAP" --dry-run "${ROOT[@]}" true
    ok
    has "$output" 'exec true'
}

@test "one-argument options of sbx's own take --name=value, bubblewrap's do not" {
    capture "$SBX" --dest-symlinks=refuse --ro-bind /usr /usr true
    ok
    capture "$SBX" --chdir=/usr --ro-bind /usr /usr echo ran
    PERSONALITY=native refused --chdir=/usr
}

@test "--dry-run: the plan in order, nothing done, no privileges" {
    mkdir d
    feed 20 data
    capture "$SBX" --dry-run --bare --unshare-all --bind d /d --file 20 /d/f --tmpfs /t --chdir /t echo 'a b'
    ok
    is "$(ls d)" '' 'nothing was made'
    has "$output" 'exec echo '\''a b'\'
    # in the order in which it is done
    is "$(grep -nE '^(new namespaces|root|bind|file|tmpfs|pivot|capabilities|chdir|exec)' <<<"$output" | sort -t: -n | sed 's/^[0-9]*:\([a-z]*\).*/\1/' | xargs)" \
        'new root bind file tmpfs pivot capabilities chdir exec'
    # sources need not be there, nor readable
    capture "$SBX" --dry-run --ro-bind /none/such /x true
    ok
    # where no namespace can be made
    capture unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh \
        setpriv --bounding-set=-all --inh-caps=-all "$SBX" --dry-run --ro-bind /usr /usr --unshare-all true
    ok
    has "$output" 'exec true'
    # a bad command line is as bad
    capture "$SBX" --dry-run --bind /a
    PERSONALITY=native refused --bind
}

@test "--verbose: each step as it happens, on stderr" {
    verbose() {
        mkdir d
        sb --verbose --bind d /d --tmpfs /t --symlink x /l echo ran
        is "$status" 0
        is "$output" ran
        has "$stderr" /d
        has "$stderr" 'tmpfs /t'
        has "$stderr" 'symlink /l ->'
        (($(grep -n 'tmpfs /t' <<<"$stderr" | cut -d: -f1) < $(grep -n 'symlink /l ->' <<<"$stderr" | cut -d: -f1)))
        # what fails comes after what was done
        sb --verbose --tmpfs /t --ro-bind /usr/bin/env /t --tmpfs /late echo ran
        is "$status" "$(own_error)"
        has "$stderr" 'tmpfs /t'
        hasnt "$stderr" 'tmpfs /late'
    }
    both verbose
}

@test "--level-prefix" {
    prefixed() {
        sb --level-prefix --chdir / --chdir /usr none/such
        isnt "$status" 0
        like "$(head -n1 <<<"$stderr")" '^<4>(sbx|bwrap): Only the last --chdir '
        like "$(sed -n 2p <<<"$stderr")" '^<3>(sbx|bwrap): .*none/such'
    }
    both prefixed
}

@test "--args" {
    from_file() {
        feed_args 20 --setenv A 'from a file' --tmpfs /t
        feed_args 21 --setenv B $'new\nline'
        sb --args 20 --args 21 --proc /proc sh -c 'echo "$A $B"; ls -d /t /proc/self/fd/2[01] 2>&1 | grep -v "No such"; :'
        ok
        is "$output" $'from a file new\nline\n/t'
        # the command stays on the command line; one in the file is dropped, with what follows it
        feed_args 20 --tmpfs /t echo file --nonsense
        sb --args 20 echo line
        is "$output" line
        feed_args 20 --args 21
        sb --args 20 echo ran
        refused --args
        unfeed
        sb --args 29 echo ran
        refused --args
    }
    both from_file
}

@test "--args: a file that is cut off" {
    truncated() {
        local text=$'--bind\t/usr\t/usr\t--setenv\tLAST\tvalue' n

        # in the middle of an option's arguments: an error, or the word that is there
        for ((n = 1; n < ${#text}; n++)); do
            printf '%s' "${text:0:n}" | tr '\t' '\0' >"$T/cut"
            feed_file 20 "$T/cut"
            sb --args 20 sh -c 'echo "ran ${LAST-unset}"'
            if ((status == 0)); then
                like "$output" '^ran (unset|v|va|val|valu|value|)$' "cut at $n"
            else
                is "$status" "$(own_error)" "cut at $n"
                hasnt "$output" ran
            fi
        done
    }
    PERSONALITY=native truncated
}

@test "--args: twenty thousand arguments, and a command of ten thousand words" {
    awk 'BEGIN { for (i = 0; i < 6666; i++) printf "--setenv%cA%d%c%d%c", 0, i, 0, i, 0; printf "--tmpfs%c/t%c", 0, 0 }' >"$T/many"
    many() {
        feed_file 20 "$T/many"
        # shellcheck disable=SC2046 # many words
        sb --args 20 bash -c 'echo "$A0 $A6665 $#"; [ -d /t ]' bash $(seq 10000)
        ok
        is "$output" '0 6665 10000'
    }
    both many
}

@test "--not-a-security-boundary weakens nothing" {
    weakened() {
        sb --not-a-security-boundary --ro-bind "$T" /ro sh -c '(: >/ro/x) 2>&- || echo ro'
        ok
        is "$output" ro
        sb --not-a-security-boundary --ro-bind /none/such /x echo ran
        refused /none/such
    }
    both weakened
}

@test "empty paths are refused" {
    empty() {
        local option

        for option in --bind --ro-bind --dev-bind --bind-try --ro-bind-try --dev-bind-try --symlink; do
            sb "$option" '' /x echo ran
            refused "$option"
            sb "$option" /usr '' echo ran
            refused "$option"
        done
        for option in --tmpfs --dir --proc --dev --mqueue --remount-ro --mask --lock-file; do
            sb "$option" '' echo ran
            refused
        done
        feed 20 x
        for option in '--file 20' '--bind-data 20' '--ro-bind-data 20' '--bind-fd 20' '--ro-bind-fd 20' '--chmod 0700'; do
            # shellcheck disable=SC2086 # two words
            sb $option '' echo ran
            refused
        done
        sb --overlay-src '' --tmp-overlay /x echo ran
        refused
        sb --overlay-src /usr --tmp-overlay '' echo ran
        refused
        sb --overlay-src /usr --overlay '' /work /x echo ran
        refused
    }
    both empty
}

@test "an error changes nothing" {
    untouched() {
        mkdir d
        feed 20 data
        sb --bind d /d --file 20 /d/f --bind /usr # one argument short
        refused
        is "$(ls -A d)" ''
        sb --bind d /d --file 20 /d/f --uid 5 --hostname x echo ran
        refused --hostname
        is "$(ls -A d)" ''
    }
    both untouched
}
