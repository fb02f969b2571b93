# Completion of sbx in fish. The options come from the sbx that is being completed, at that time, so
# there is no list here that could be out of date.

# What the argument of an option may be. A descriptor, an id or a number has no completion. Of words
# between bars the small ones are meant as they are.
function __sbx_argument
    string split '|' -- $argv[1] | string match -rv '[A-Z]'
    switch $argv[1]
        case SRC DEST PATH TARGET FILE '*|FILE'
            __fish_complete_path (commandline -ct)
        case DIR RWSRC WORKDIR
            __fish_complete_directories (commandline -ct) ''
        case VAR
            set --names
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
            # a short name stands at the end of the help: "also -p"
            test "--$fields[1]" = $word; or string match -q -- "* also $word" $fields[6]; or continue
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
            printf '%s\n' $name=(string split '|' -- $fields[3] | string match -rv '[A-Z]')
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
