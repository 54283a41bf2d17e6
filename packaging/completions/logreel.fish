# Completion of logreel for fish. tests/completion_test.go holds the options and their
# values against the program.

function __logreel_in_command
    contains -- -- (commandline -opc)
end

# What stands after -- is a command, with a completion of its own.
function __logreel_command
    set -l words (commandline -opc)
    set -e words[1..(contains -i -- -- $words)]
    set -l line (string join ' ' -- (string escape -- $words) (commandline -ct))
    complete "-C$line"
end

function __logreel_owners
    if set -l user (string match -r '^(?:--owner=|--user=)?(.*):' -- (commandline -ct))[2]
        __fish_complete_groups | string replace -r '^' "$user:"
    else
        __fish_complete_users
    end
end

function __logreel_zones
    echo UTC
    awk '!/^#/ { print $3 }' /usr/share/zoneinfo/zone.tab 2>/dev/null
end

complete -c logreel -n __logreel_in_command -x -a '(__logreel_command)'

function __logreel_option
    complete -c logreel -n 'not __logreel_in_command' $argv
end

# -x takes a value, -r takes a file, and all others take none.
__logreel_option -l every -x -a '30s 15m 1h 1d 1w 1mo 1y never' -d 'When to switch'
__logreel_option -l at -x -d 'Shift the boundaries'
__logreel_option -l delay -x -d 'Switch so long after the boundary'
__logreel_option -l size -x -d 'Switch before the file is larger'
__logreel_option -l ring -x -d 'Use so many names round and round'
__logreel_option -l size-names -x -a 'number time' -d 'How files are named that follow by size'
__logreel_option -l tz -x -a '(__logreel_zones)' -d 'Zone of names and boundaries'
__logreel_option -l utc -d 'The same as --tz=UTC'
__logreel_option -l escape -x -d 'Character that begins a field'

__logreel_option -l link -r -F -d 'Keep a symlink to the live file'
__logreel_option -l previous-link -r -F -d 'Keep a symlink to the file before the live one'
__logreel_option -l hard-link -r -F -d 'Keep a second name of the live file'
__logreel_option -l mode -x -d 'Permissions of new files'
__logreel_option -l dir-mode -x -d 'Permissions of new directories'
__logreel_option -l owner -x -a '(__logreel_owners)' -d 'Owner of new files and directories'
__logreel_option -l eager -d 'Open files before anything is logged'
__logreel_option -l sync -x -a '1s 100ms' -d 'Sync the live file this often'
__logreel_option -l user -x -a '(__logreel_owners)' -d 'Give up root and be this user'

__logreel_option -l keep-count -x -d 'How many finished files to keep'
__logreel_option -l keep-age -x -a '12h 30d 8w 6mo 1y' -d 'Delete finished files that ended longer ago'
__logreel_option -l keep-size -x -d 'How much finished files may take together'
__logreel_option -l keep-free -x -d 'How much of the disk to keep free'
__logreel_option -l compress -x -a 'gzip zstd' -d 'Compress finished files'
__logreel_option -l exec -x -a '(__fish_complete_command)' -d 'Run a command for every finished file'
__logreel_option -l exec-open -x -a '(__fish_complete_command)' -d 'Run a command for every file that is opened'
__logreel_option -l exec-timeout -x -d 'End either command after this time'

__logreel_option -l record-start -x -d 'What the first line of a record matches'
__logreel_option -l also -x -d 'Copy what matches into files of their own'
__logreel_option -l divert -x -d 'Move what matches into files of their own'
__logreel_option -l only -x -d 'Write only what matches'
__logreel_option -l drop -x -d 'Leave out what matches'
__logreel_option -l redact -x -d 'What is replaced by stars'
__logreel_option -l strip-ansi -d 'Leave colours out of the files'
__logreel_option -l stamp -d 'Put the time before each line'

__logreel_option -l linger -x -d 'How long to gather lines'
__logreel_option -l max-line -x -d 'Write longer lines in pieces'
__logreel_option -l buffer -x -d 'Memory for lines that cannot be written yet'
__logreel_option -l on-full -x -a 'wait drop' -d 'What to do when the buffer is full'
__logreel_option -l tee -d 'Copy every line to standard output'

__logreel_option -l stderr -x -d 'Files for what the command writes to standard error'
__logreel_option -l stdio -x -a 'socket pipe' -d 'What the command writes to'
__logreel_option -l grace -x -d 'How long to keep reading after SIGTERM'
__logreel_option -l preview -d 'Print the current file and the next ones'
__logreel_option -l start-time -x -d 'Pretend for --preview that it is this time'
__logreel_option -s v -l verbose -d 'Report what is done'
__logreel_option -l version -d 'Print the version'
__logreel_option -s h -l help -d 'Print the help'

functions --erase __logreel_option
