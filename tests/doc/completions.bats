# Completions in the real shells: what each offers for a line that ends where the cursor is.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -p bin 'place/inner dir'
    touch place/file
    ln -s "$SBX" bin/sbx
    export PATH="$PWD/bin:$PATH"
    completions=$SBX_SRCDIR/completions
}

# complete_with SHELL LINE: the offers, one a line, sorted, without what tells about them.
complete_with() {
    "offers_$1" "$2" | sed 's|/$||' | LC_ALL=C sort -u
}

# bash splits the line at blanks and at "=", and calls the function.
offers_bash() {
    bash -c '
        . "$1/bash/sbx"
        read -ra COMP_WORDS <<<"${2//=/ = }"
        [[ $2 != *" " && $2 != *= ]] || COMP_WORDS+=("")
        [[ $2 != *= ]] || unset "COMP_WORDS[-1]"
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _sbx sbx "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
        printf "%s\n" "${COMPREPLY[@]}"' bash "$completions" "$1" 2>/dev/null
}

offers_zsh() {
    zsh -f "$SBX_SRCDIR/tests/doc/zsh-matches" "$completions/zsh" "$1" | tr -d '\\'
}

offers_fish() {
    HOME=$PWD fish --no-config -c "source $completions/fish/sbx.fish; complete -C (string join ' ' -- \$argv)" -- "$1" |
        cut -f 1 | sed 's/^--dest-symlinks=//'
}

# expect SHELL LINE OFFER...: exactly these.
expect() {
    local shell=$1 line=$2
    shift 2
    [ "$(complete_with "$shell" "$line")" = "$([ $# -eq 0 ] || printf '%s\n' "$@" | LC_ALL=C sort -u)" ] || {
        echo "$shell: '$line' offers:"
        complete_with "$shell" "$line"
        return 1
    }
}

check_shell() {
    local shell=$1 prefix=place/
    [ -n "$(command -v "$shell")" ] || skip "$shell is not installed"
    # zsh's offers leave out the part of the path that is there
    [ "$shell" != zsh ] || prefix=

    # every option of the table, and no other word
    mapfile -t options < <("$SBX" --list-options | cut -f 1 | sed 's/^/--/')
    [ "${#options[@]}" -gt 67 ]
    [ "$shell" != zsh ] || options+=(-p)
    expect "$shell" 'sbx -' "${options[@]}"
    mapfile -t options < <("$SBX" --list-options | grep ^unshare- | cut -f 1 | sed 's/^/--/')
    expect "$shell" 'sbx --ro-bind /usr /usr --unshare-' "${options[@]}"

    # words of the table's own, paths, directories, variables
    expect "$shell" 'sbx --dest-symlinks ' follow refuse
    expect "$shell" 'sbx --dest-symlinks=f' follow
    expect "$shell" 'sbx --cgroup cgroup' cgroupfs
    expect "$shell" 'sbx --seccomp-profile place/f' "${prefix}file"
    expect "$shell" 'sbx --ro-bind pla' place
    expect "$shell" 'sbx --ro-bind /usr place/f' "${prefix}file"
    expect "$shell" 'sbx --chdir place/' "${prefix}inner dir"
    COMPLETE_THIS_NAME=x expect "$shell" 'sbx --unsetenv COMPLETE_THIS_N' COMPLETE_THIS_NAME

    # nothing for a descriptor; the argument behind it is a path again
    expect "$shell" 'sbx --bind-fd '
    expect "$shell" 'sbx --bind-fd 3 pla' place

    # a short name is known, with its argument
    expect "$shell" 'sbx -p 8080:80 --ro-bind pla' place
    expect "$shell" 'sbx -p 8080:80 unam' uname

    # the command, and its files
    expect "$shell" 'sbx --ro-bind /usr /usr unam' uname
    expect "$shell" 'sbx --ro-bind /usr /usr -- unam' uname
    expect "$shell" 'sbx --unshare-all cat --ro-bind pla' place
}

@test "bash completes options, their arguments and the command" {
    check_shell bash
}

@test "zsh completes options, their arguments and the command" {
    check_shell zsh
}

@test "fish completes options, their arguments and the command" {
    check_shell fish
}

@test "a new option needs no change here: only the program's list counts" {
    printf '#!/bin/sh\nprintf "brand-new\\t1\\tDIR\\tGeneral\\tnative\\tNew\\n"\n' >bin/other
    chmod 755 bin/other
    ln -sf other bin/sbx
    expect bash 'sbx --' --brand-new
    expect bash 'sbx --brand-new pl' place
}
