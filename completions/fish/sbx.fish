# Completion of sbx in fish. The options come from the sbx that is being completed, at that time, so
# there is no list here that could be out of date.

# What the argument of an option may be. A descriptor, an id or a number has no completion.
function __sbx_argument
    switch $argv[1]
        case SRC DEST PATH TARGET FILE
            __fish_complete_path (commandline -ct)
        case DIR RWSRC WORKDIR
            __fish_complete_directories (commandline -ct) ''
        case VAR
            set --names
        case '*|*'
            string split '|' -- $argv[1]
    end
end

# Takes the words before the cursor one by one, as sbx would.
function __sbx_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l table ($words[1] --list-options 2>/dev/null)
    set -l at 2
    while test $at -le (count $words)
        set -l word $words[$at]
        if test "$word" = --
            complete -C (string join ' ' -- (string escape -- $words[(math $at + 1)..] $current))
            return
        else if not string match -q -- '-*' $word
            complete -C (string join ' ' -- (string escape -- $words[$at..]) $current)
            return
        end
        set at (math $at + 1)
        string match -q -- '*=*' $word; and continue
        for row in $table
            set -l fields (string split \t -- $row)
            test "--$fields[1]" = $word; or continue
            for metavar in (string split -n ' ' -- $fields[3])
                if test $at -gt (count $words)
                    __sbx_argument $metavar
                    return
                end
                set at (math $at + 1)
            end
            break
        end
    end
    if string match -q -- '--*=*' $current
        set -l name (string split -m 1 = -- $current)[1]
        for row in $table
            set -l fields (string split \t -- $row)
            test "--$fields[1]" = $name -a "$fields[2]" = 1 -a "$fields[5]" = native; or continue
            string match -q -- '*|*' $fields[3]; and printf '%s\n' $name=(__sbx_argument $fields[3])
        end
    else if string match -q -- '-*' $current
        for row in $table
            set -l fields (string split \t -- $row)
            printf '%s\t%s\n' --$fields[1] $fields[6]
        end
    else
        complete -C $current
    end
end

complete -c sbx -f -a '(__sbx_complete)'
