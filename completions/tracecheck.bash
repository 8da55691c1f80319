# bash completion for tracecheck; written by go generate, do not edit.
_tracecheck() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	# --flag=value comes as three words.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	fi
	case $prev in
	-f|--format) mapfile -t COMPREPLY < <(compgen -W 'text json ndjson sarif github html' -- "$cur"); return ;;
	-i|--input-format) mapfile -t COMPREPLY < <(compgen -W 'auto dmesg dmesg-ctime dmesg-reltime dmesg-iso dmesg-delta journal-monotonic kmsg rfc5424 syslog logread logcat journal-json journal-export dmesg-json bare ftrace trace-cmd perf-script perf-trace bpftrace bpftrace-json' -- "$cur"); return ;;
	-k|--kernel) mapfile -t COMPREPLY < <(compgen -W 'auto 2.6.32 3.18 5.4 6.1 7.0' -- "$cur"); return ;;
	-t|--thread) COMPREPLY=(); return ;;
	-e|--explain) mapfile -t COMPREPLY < <(compgen -W 'rules KT001 KT002 KT003 KT004 KT005 KT006 KT007 KT008 KT009 KT010 KT011 KT012 KT013 KT014 KT015 KT016 KT017 KT018 KT019 KT020 KT021 KT022 KT023 KT024 KT025 KT026 KT027 KT028 KT029 KT030 KT031 KT032 KT033 KT034 KT035 KT036 KT037' -- "$cur"); return ;;
	--shrink) COMPREPLY=(); return ;;
	--timeout) COMPREPLY=(); return ;;
	--color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur"); return ;;
	--record-recipe) mapfile -t COMPREPLY < <(compgen -W 'ftrace trace-cmd perf bpftrace' -- "$cur"); return ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '--format -f --input-format -i --kernel -k --printk -p --thread -t --follow -F --all -a --explain -e --shrink --strict --timeout --color --record-recipe --schema --version --help -h' -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}
complete -o filenames -F _tracecheck tracecheck
