# Completion of logreel for bash. tests/completion_test.go holds the options and their
# values against the program.

_logreel() {
	# With a value, and without one.
	local valued='--also --at --buffer --compress --delay --dir-mode --divert --drop --escape --every
		--exec --exec-open --exec-timeout --grace --hard-link --keep-age --keep-count
		--keep-free --keep-size --linger --link --max-line --mode --on-full --only
		--owner --previous-link --record-start --redact --ring --size --size-names
		--start-time --stderr --stdio --sync --tz --user'
	local plain='-h --help -v --verbose --version --eager --preview --stamp --strip-ansi --tee --utc'

	local cur=${COMP_WORDS[COMP_CWORD]} word option i
	COMPREPLY=()

	# What stands after -- is a command, with a completion of its own.
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -- ]] || continue
		if declare -F _comp_command_offset >/dev/null; then
			_comp_command_offset $((i + 1))
		elif declare -F _command_offset >/dev/null; then
			_command_offset $((i + 1))
		elif ((COMP_CWORD == i + 1)); then # the package bash-completion is missing
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		else
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		return
	done

	# readline divides words at = and :, and wants what follows only.
	[[ $cur != [=:] ]] || cur=''
	word=${COMP_LINE:0:COMP_POINT}
	word=${word##*[[:space:]]}
	case $word in
	--*=*) option=${word%%=*} ;;
	*) option=${COMP_WORDS[COMP_CWORD - 1]} ;;
	esac

	case $option in
	--compress) mapfile -t COMPREPLY < <(compgen -W 'gzip zstd' -- "$cur") ;;
	--on-full) mapfile -t COMPREPLY < <(compgen -W 'wait drop' -- "$cur") ;;
	--size-names) mapfile -t COMPREPLY < <(compgen -W 'number time' -- "$cur") ;;
	--stdio) mapfile -t COMPREPLY < <(compgen -W 'socket pipe' -- "$cur") ;;
	--hard-link | --link | --previous-link)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	--exec | --exec-open) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
	--owner | --user)
		if [[ $word == *:* ]]; then
			mapfile -t COMPREPLY < <(compgen -g -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		fi
		;;
	--tz) mapfile -t COMPREPLY < <(compgen -W "UTC $(awk '!/^#/ { print $3 }' /usr/share/zoneinfo/zone.tab 2>/dev/null)" -- "$cur") ;;
	*)
		if [[ $word == --*=* || " ${valued//[[:space:]]/ } " == *" $option "* ]]; then
			return # a number or a time
		elif [[ $word == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(printf '%s= ' $valued)$plain --" -- "$cur")
			[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
		else
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		;;
	esac
}

complete -F _logreel logreel
