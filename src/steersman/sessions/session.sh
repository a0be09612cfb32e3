# The session of a box: one POSIX script for dash, bash and busybox ash. See docs/session.md.
#
# It is eval'ed as `sh -c 'eval "$1"' NAME TEXT ROLE MODE PLACE ...`, where TEXT is this script (or
# a `.` of it), so that nothing has to be put in the box. Two roles:
#
#   box    the supervisor, first process of the box: starts the steps shell, reports its end
#   steps  the one shell all steps are sourced in
#
# Two modes: `attach` (PLACE is a token; control words travel in the one output stream behind it)
# and `fifo` (PLACE is a folder with the pipes control, commands, output and kill).
# Lines that hold nothing but a comment are removed before the script is sent.

case $2 in
box)
    # TEXT box MODE PLACE ALONE SHELL; SHELL is a quoted command, or empty for bash, else sh.
    # Only bash has job control without a terminal, see start below.
    if [ -z "${BASH_VERSION-}" ] && [ -x /bin/bash ]; then
        exec /bin/bash -c 'eval "$1"' steersman "$@"
    fi
    text=$1 mode=$3 place=$4 alone=$5 shell=$6 prefix= helper= child=0 generation=0
    # How far our kills reach: the box, the process group of the shell, or nothing.
    reach=nothing

    refuse() {
        echo "steersman: $1" >&2
        exit 96
    }
    case $mode in
    fifo)
        for pipe in control commands output kill; do
            [ -p "$place/$pipe" ] && [ ! -h "$place/$pipe" ] || refuse "$place/$pipe is not a pipe"
        done
        # Nobody else keeps this open, so its end of file means that the box is gone.
        exec 3>>"$place/control"
        # What is asked for is not lost when nobody is left to read it: whoever asks may be gone
        # before the helper, which one kill ends too, has been started again.
        exec 5<>"$place/kill"
        ;;
    *)
        prefix="$place "
        exec 3>&1 2>&1
        ;;
    esac
    [ "$$" = 1 ] || alone=0
    [ -n "$shell" ] || { shell=/bin/sh && [ -x /bin/bash ] && shell=/bin/bash; }
    for cgroup in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control ''; do
        [ "$alone" = 1 ] && [ -r "$cgroup" ] && break
    done

    say() {
        printf '%s\n' "$prefix$1" >&3
    }

    count_kills() {
        kills=0
        [ -n "$cgroup" ] || return 0
        while read -r key value; do
            [ "$key" = oom_kill ] && kills=$value
        done <"$cgroup"
    }

    # Everything but ourselves; where we are not alone, only the process group of the shell.
    strike() {
        if [ "$alone" = 1 ]; then kill "-$1" -1; else kill "-$1" "-$child"; fi 2>/dev/null
    }

    ours() {
        case $1 in 1 | "$$" | "$child" | "$helper") return 1 ;; esac
        [ "$alone" = 1 ] && return 0
        read -r line 2>/dev/null <"/proc/$1/stat" || return 1
        line=${line##*) } line=${line#* } line=${line#* }
        [ "${line%% *}" = "$child" ]
    }

    # Processes fork while we look, hence more than one round.
    spare_shell() {
        for round in 1 2 3 4 5; do
            found=
            for entry in /proc/[0-9]*; do
                ours "${entry#/proc/}" && kill -KILL "${entry#/proc/}" 2>/dev/null && found=1
            done
            [ -n "$found" ] || return 0
        done
    }

    # A step must not be able to stop it with TERM; after KILL it is started again.
    listen() {
        trap '' TERM HUP INT
        trap - USR1 USR2 ALRM
        exec </dev/null >/dev/null 2>&1 3>&- 5>&-
        while :; do
            while read -r what; do
                case $what in
                term) kill -HUP "$$" ;;
                spare-shell) kill -USR1 "$$" ;;
                all) kill -USR2 "$$" ;;
                end) kill -QUIT "$$" ;;
                esac
            done <"$place/kill"
        done
    }
    watch_helper() {
        [ "$mode" = fifo ] || return 0
        # A zombie still takes signals, so kill -0 would call it alive.
        line=Z
        [ -z "$helper" ] || read -r line 2>/dev/null <"/proc/$helper/stat"
        line=${line##*) }
        case $line in [ZX]* | '') ;; *) return 0 ;; esac
        listen &
        helper=$!
    }

    start() {
        eval "set -- $shell"
        exec "$@" -c 'eval "$1"' "$1" "$text" steps "$mode" "$place" "$reach" \
            "$generation" "$$" "$cgroup" "$shell" "${helper:-0}" ready 0 0 3>&- 5>&-
    }

    # A trap interrupts wait, which then says nothing about the shell.
    collect() {
        while :; do
            hit=
            watch_helper
            wait "$child"
            status=$?
            [ "$status" = 127 ] && [ -n "$last" ] && status=$last
            [ -n "$hit" ] || return 0
            last=
            kill -0 "$child" 2>/dev/null || last=$status
        done
    }

    if [ "$alone" = 1 ] || [ "$mode" = fifo ]; then
        reach=group
        # Each says when it is done, so that a late one cannot hit what comes after.
        trap 'hit=1; strike TERM; strike CONT; say "killed term"' TERM HUP
        trap 'hit=1; spare_shell; say "killed spare-shell"' USR1
        trap 'hit=1; strike KILL; say "killed all"' USR2
        # Nobody will come back: with the first process the whole box ends.
        trap 'strike KILL; exit 0' QUIT
        # The steps shell found the helper dead.
        trap 'hit=1' ALRM
        [ "$alone" = 1 ] && reach=box
    fi
    exec 4>&2 2>/dev/null
    # A shell that ends at once, again and again, is given up.
    while [ "$generation" -lt 100 ]; do
        generation=$((generation + 1)) last=
        # What killed the shell may have hit the helper too, and a dying process looks alive.
        [ -z "$helper" ] || kill -KILL "$helper"
        helper=
        watch_helper
        # Without job control a background process ignores INT for good, and so do all steps then;
        # dash and ash want a terminal for it.
        [ -z "${BASH_VERSION-}" ] || set -m
        start <&0 2>&4 4>&- &
        child=$!
        set +m
        collect
        # What it left would be out of our reach.
        [ "$reach" = group ] && strike KILL
        # Its commands have come to an end: whoever drove us is gone.
        [ "$mode:$status" = attach:99 ] && exit 0
        count_kills
        say "ended $generation $status $kills"
    done
    exit 97
    ;;
steps)
    # TEXT steps MODE PLACE REACH GENERATION SUPERVISOR CGROUP SHELL HELPER WHY NUMBER STATUS
    # Steps run in this very shell and may change whatever they like: hence the long names,
    # `command` against functions of theirs, quotes against IFS, and no file descriptor kept.
    __steer_text=$1 __steer_mode=$3 __steer_place=$4 __steer_reach=$5 __steer_generation=$6
    __steer_supervisor=$7 __steer_cgroup=$8 __steer_shell=$9
    shift 9
    __steer_helper=$1 __steer_why=$2 __steer_number=$3 __steer_status=$4 __steer_name=$0
    __steer_prefix= __steer_options= __steer_handler= __steer_newline='
'
    set --

    # Paths, since a step may close or use any descriptor; descriptors only where /proc will not do.
    __steer_from='<"$__steer_in"' __steer_to='>>"$__steer_out"' __steer_tell=$__steer_to
    case $__steer_mode in
    fifo)
        __steer_in=$__steer_place/commands __steer_out=$__steer_place/output
        __steer_control=$__steer_place/control
        __steer_tell='>>"$__steer_control"'
        ;;
    *)
        __steer_prefix="$__steer_place "
        __steer_in=/proc/$__steer_supervisor/fd/0 __steer_out=/proc/$__steer_supervisor/fd/1
        if ! { [ -p "$__steer_in" ] && [ -r "$__steer_in" ] && [ -p "$__steer_out" ] &&
            [ -w "$__steer_out" ]; }; then
            __steer_from='<&8' __steer_to='>&9' __steer_tell='>&9'
            [ "$__steer_why" != ready ] || exec 8<&0 9>&1
        fi
        ;;
    esac
    eval "
        __steer_read() { __steer_fetch $__steer_from; }
        __steer_open() { exec </dev/null $__steer_to 2>&1; }
        __steer_say() { command printf '%s\\n' \"\$__steer_prefix\$1\" $__steer_tell; }
    "

    __steer_count_kills() {
        __steer_kills=0
        [ -n "$__steer_cgroup" ] || return 0
        while IFS=' ' command read -r __steer_key __steer_value; do
            case $__steer_key in oom_kill) __steer_kills=$__steer_value ;; esac
        done <"$__steer_cgroup"
    }

    __steer_report() {
        __steer_count_kills
        __steer_say "$1 $__steer_kills"
    }

    # A signal that a step traps may interrupt read in the middle of a line; so it is asked again.
    __steer_get_line() {
        __steer_line= __steer_tries=0
        until IFS= command read -r __steer_part; do
            [ -z "$__steer_part" ] || __steer_tries=0
            __steer_line=$__steer_line$__steer_part __steer_tries=$((__steer_tries + 1))
            [ "$__steer_tries" -lt 5 ] || return 1
        done
        __steer_line=$__steer_line$__steer_part
    }

    # `@steer KIND NUMBER GENERATION MARK`, then lines up to MARK. What stands before is a rest of
    # a command whose shell was killed while it read.
    __steer_fetch() {
        while __steer_get_line; do
            case $__steer_line in '@steer '*) break ;; esac
        done
        __steer_line=${__steer_line#* } __steer_block=
        __steer_kind=${__steer_line%% *} __steer_line=${__steer_line#* }
        __steer_number=${__steer_line%% *} __steer_line=${__steer_line#* }
        __steer_for=${__steer_line%% *} __steer_mark=${__steer_line#* }
        while __steer_get_line; do
            [ "$__steer_line" != "$__steer_mark" ] || return 0
            __steer_block=$__steer_block$__steer_line$__steer_newline
        done
        return 1
    }

    # In a subshell the step's handler is the subshell's own affair.
    __steer_is_subshell() {
        __steer_pid=
        IFS=' ' command read -r __steer_pid __steer_line 2>/dev/null </proc/self/stat ||
            __steer_pid=$(exec /bin/sh -c 'echo $PPID')
        [ "$__steer_pid" != "$$" ]
    }

    # Stands for `trap`, so that a handler for EXIT of a step runs beside ours, not instead of it.
    __steer_trap() {
        case ${1-} in --) shift ;; esac
        case $#:${1-} in 0:* | *:-[lp]*) command trap "$@"; return ;; esac
        case $1 in
        - | *[!0-9]*) __steer_action=$1; shift ;;
        *) case $# in 1) __steer_action=- ;; *) __steer_action=$1; shift ;; esac ;;
        esac
        for __steer_condition; do
            case $__steer_condition in
            0 | EXIT | exit)
                if __steer_is_subshell; then
                    command trap -- "$__steer_action" EXIT
                else
                    case $__steer_action in -) __steer_handler= ;; *) __steer_handler=$__steer_action ;; esac
                fi
                ;;
            *) command trap -- "$__steer_action" "$__steer_condition" ;;
            esac
        done
    }

    # Armed again before each command. The traps for signals are there because bash runs its EXIT
    # trap with status 0 when TERM ends it.
    __steer_arm() {
        [ -z "${BASH_VERSION-}" ] || command shopt -s expand_aliases
        command alias trap=__steer_trap
        command trap '{ __steer_status=$?; set +aCefuvx; } 2>/dev/null; __steer_leave' EXIT
        command trap 'exit 129' HUP
        command trap 'exit 130' INT
        command trap 'exit 143' TERM
    }

    __steer_yield() { return "$1"; }

    # The shell is ending. bash keeps the redirections of the step here, and exec keeps them too:
    # so it is the fresh shell that opens everything anew and reports.
    __steer_leave() {
        if [ -n "$__steer_handler" ]; then
            (
                command trap - EXIT
                __steer_yield "$__steer_status"
                eval "$__steer_handler"
                exit "$__steer_status"
            )
            __steer_status=$?
        fi
        __steer_again exit "$__steer_number" "$__steer_status"
    }

    __steer_again() {
        __steer_why=$1 __steer_number=$2 __steer_status=$3
        command trap '' TERM HUP INT
        command trap - EXIT QUIT PIPE ALRM USR1 USR2 TERM HUP INT
        eval "set -- $__steer_shell"
        command exec "$@" -c 'eval "$1"' "$1" "$__steer_text" steps "$__steer_mode" \
            "$__steer_place" "$__steer_reach" "$__steer_generation" "$__steer_supervisor" \
            "$__steer_cgroup" "$__steer_shell" "$__steer_helper" "$__steer_why" "$__steer_number" \
            "$__steer_status"
    }

    # One control line for each line of the answer: so noise cannot get between.
    __steer_answer() {
        __steer_rest=$(exec </dev/null 2>/dev/null; command trap - EXIT; eval "$__steer_block")
        __steer_lines=0
        while [ -n "$__steer_rest" ] && [ "$__steer_lines" -lt 1000 ]; do
            __steer_line=${__steer_rest%%"$__steer_newline"*}
            case $__steer_rest in
            *"$__steer_newline"*) __steer_rest=${__steer_rest#*"$__steer_newline"} ;;
            *) __steer_rest= ;;
            esac
            [ "${#__steer_line}" -le 700 ] || __steer_line=$(command printf '%.700s' "$__steer_line")
            __steer_say "line $__steer_number $__steer_line"
            __steer_lines=$((__steer_lines + 1))
        done
    }

    # What lives in the box beside the supervisor, its helper and us.
    __steer_count_others() {
        __steer_others=0
        for __steer_entry in /proc/[0-9]*; do
            case ${__steer_entry#/proc/} in
            "$__steer_supervisor" | "$__steer_helper" | "$$") continue ;;
            esac
            IFS= command read -r __steer_line 2>/dev/null <"$__steer_entry/stat" || continue
            __steer_line=${__steer_line##*) }
            case $__steer_line in [ZX]*) continue ;; esac
            # A helper that took the place of one that was killed is known by its pipe.
            [ "$__steer_entry/fd/0" -ef "$__steer_place/kill" ] 2>/dev/null ||
                __steer_others=$((__steer_others + 1))
        done
    }

    # It sleeps on its pipe; one that runs has just begun or is dying, and that is soon known.
    __steer_look_after_helper() {
        __steer_tries=0
        while [ "$__steer_tries" -lt 1000 ]; do
            __steer_line=
            IFS= command read -r __steer_line 2>/dev/null <"/proc/$__steer_helper/stat"
            case ${__steer_line##*) } in
            R*)
                __steer_tries=$((__steer_tries + 1))
                [ "$__steer_tries" -lt 900 ] || command sleep 0.02 2>/dev/null
                ;;
            [ZX]* | '') kill -ALRM "$__steer_supervisor" 2>/dev/null; return ;;
            *) return ;;
            esac
        done
    }

    __steer_keep_options() {
        __steer_options=
        for __steer_key in a C f u v x; do
            case $1 in *"$__steer_key"*) __steer_options="$__steer_options set -$__steer_key;" ;; esac
        done
    }

    case $__steer_why in
    exit) __steer_report "exit $__steer_number $__steer_status" ;;
    *) __steer_report "ready $__steer_generation $__steer_reach $__steer_name" ;;
    esac
    while :; do
        if ! __steer_read; then
            [ "$__steer_mode" = attach ] || continue
            command trap - EXIT
            exit 99
        fi
        if [ "$__steer_for" != "$__steer_generation" ]; then
            __steer_report "stale $__steer_number"
            continue
        fi
        [ "$__steer_mode" != fifo ] || __steer_look_after_helper
        __steer_status=0
        case $__steer_kind in
        run)
            __steer_open
            __steer_handler=
            __steer_arm
            # A loop, and one that ends, since `break` or `continue` of a step would act on ours.
            __steer_pending=1 __steer_broken=1
            while [ -n "$__steer_pending" ]; do
                __steer_pending=
                eval "$__steer_options$__steer_block"
                { __steer_status=$? __steer_broken= && __steer_keep_options "$-" && set +aCefuvx; } 2>/dev/null
            done
            [ -z "$__steer_broken" ] || { __steer_keep_options "$-" && set +aCefuvx; } 2>/dev/null
            if [ -n "$__steer_handler" ]; then
                __steer_block=$__steer_handler __steer_handler=
                __steer_yield "$__steer_status"
                eval "$__steer_block"
            fi
            ;;
        ask) __steer_answer ;;
        others)
            __steer_count_others
            __steer_say "line $__steer_number $__steer_others"
            ;;
        term) [ "$__steer_reach" != box ] || { kill -TERM -1; kill -CONT -1; } 2>/dev/null ;;
        renew) __steer_again ready 0 0 ;;
        esac
        __steer_report "done $__steer_number $__steer_status"
    done
    ;;
esac
