"""What a session promises, over every transport, shell and user (see subjects.py)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from steersman.sessions.base import End, Ending
from tests.sessions import subjects
from tests.sessions.subjects import Box, Subject

# Prints without newlines and in pieces, before, while and after the end mark passes.
NOISE = (
    "( i=0; while [ $i -lt 4000 ]; do printf 'no newline %s' $i; printf '\\npart'; "
    "i=$((i+1)); done ) &\n"
)


def sourced(text: str) -> str:
    """Have *text* in a file and source it, as steps are."""
    name = "/dev/shm/session-test.$$"
    return f"cat >{name} <<'END-OF-STEP'\n{text}\nEND-OF-STEP\n. {name} </dev/null"


RETURNED, EXITED, LOST = End.RETURNED, End.EXITED, End.SHELL_LOST

ENDINGS = {
    "the end": ("echo out; true", RETURNED, 0, "out\n"),
    "a failing last command": ("(exit 4)", RETURNED, 4, ""),
    "exit 0": ("echo out; exit 0; echo no", EXITED, 0, "out\n"),
    "exit 3": ("exit 3", EXITED, 3, ""),
    "return 5": ("echo out; return 5; echo no", RETURNED, 5, "out\n"),
    "set -e and a failure": ("set -e; echo out; (exit 7); echo no", EXITED, 7, "out\n"),
    "set -e in a pipe and a function": ("set -e; f() { (exit 7); }; f; echo no", EXITED, 7, ""),
    "exit in a function": ("f() { exit 3; }; f; echo no", EXITED, 3, ""),
    "exit in a subshell": ("(exit 3) || echo caught", RETURNED, 0, "caught\n"),
    "exit while redirected": ("{ echo x; exit 3; } >/dev/null 2>&1", EXITED, 3, ""),
    "no newline at the end": ("printf 'no newline'", RETURNED, 0, "no newline"),
    "an unset variable under set -u": ("set -u; : $nothing_here; echo no", EXITED, None, ""),
    "a handler for EXIT": ("trap 'echo bye' EXIT; echo out", RETURNED, 0, "bye\n"),
    "a handler that sees the status": ("trap 'echo bye $?' EXIT; exit 6", EXITED, 6, "bye 6\n"),
    "a handler for 0": ("trap 'echo bye' 0; exit 6", EXITED, 6, "bye\n"),
    "a handler that exits 0": ("trap 'exit 0' EXIT; exit 6", EXITED, 0, ""),
    "a handler that exits 9": ("trap 'exit 9' EXIT; true", EXITED, 9, ""),
    "a handler that is a function": ("f() { echo bye; }; trap f EXIT; exit 2", EXITED, 2, "bye\n"),
    "a handler taken back": ("trap 'exit 9' EXIT; trap - EXIT; exit 2", EXITED, 2, ""),
    "a handler of a subshell": ("(trap 'echo sub' EXIT; exit 3); exit $?", EXITED, 3, "sub\n"),
    "a handler for TERM": ("trap 'echo caught' TERM; kill -TERM $$", RETURNED, 0, "caught\n"),
    "exec into a file": ("exec >/dev/null 2>&1; exit 2", EXITED, 2, ""),
    "closed streams": ("exec 0<&- 1>&- 2>&-; (exit 5)", RETURNED, 5, ""),
    "closed streams and exit": ("exec 0<&- 1>&- 2>&-; exit 5", EXITED, 5, ""),
    "descriptors 3 to 9 used": (
        "exec 3>/dev/null 4>&3 5</dev/null 6>&1 7>&1 8</dev/null 9>/dev/null; echo out >&7; exit 5",
        EXITED,
        5,
        "out\n",
    ),
    "descriptors 3 to 9 closed": (
        "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; echo out; (exit 5)",
        RETURNED,
        5,
        "out\n",
    ),
    "odd options": ("set -uxfv; set -C; (exit 5)", RETURNED, 5, ""),
    "an odd IFS": ("IFS='0123456789 dones'; (exit 5)", RETURNED, 5, ""),
    "no PATH": ("unset PATH; (exit 5)", RETURNED, 5, ""),
    "a folder that is gone": (
        "mkdir /dev/shm/gone.$$ && cd /dev/shm/gone.$$ && rmdir ../gone.$$; exit 5",
        EXITED,
        5,
        "",
    ),
    "functions of common names": (
        "printf() { :; }; read() { :; }; command_not() { :; }; echo out; (exit 5)",
        RETURNED,
        5,
        "out\n",
    ),
    "a break that has no loop": ("break; (exit 5)", None, None, ""),
    "a break of too many loops": ("break 99; (exit 5)", None, None, ""),
    "a continue that has no loop": ("continue; (exit 5)", None, None, ""),
    "a syntax error": ("echo out\nif then\n", None, 2, "out\n"),
    "TERM": ("kill -TERM $$; sleep 1; echo no", EXITED, 143, ""),
    "HUP": ("kill -HUP $$; sleep 1; echo no", EXITED, 129, ""),
    "a program in its place": ("exec sh -c 'exit 0'", LOST, None, ""),
    "KILL": ("kill -KILL $$", LOST, None, ""),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_the_end_of_a_step_is_seen(box: Box, name: str) -> None:
    text, end, status, printed = ENDINGS[name]
    ending, output = box.run(NOISE + sourced(text))
    assert ending.end in ((end,) if end else (RETURNED, EXITED))
    assert ending.status == status or (status is None and end is not LOST)
    assert printed.encode() in output
    assert b"no\n" not in output.replace(b"echo no\n", b"")


def test_a_killed_shell_is_never_green_and_is_named(box: Box) -> None:
    ending, _ = box.run("kill -KILL $$")
    assert ending == Ending(end=LOST, signal="KILL")
    assert box.run("echo never")[0] == Ending(end=LOST)
    assert box.renew()
    assert box.run("echo $FIRST") == (Ending(end=RETURNED, status=0), b"from the prelude\n")


def test_killing_everything_is_never_green(box: Box, subject: Subject) -> None:
    if subject.image is None:
        pytest.skip("would kill this machine")
    ending, _ = box.run("sh -c 'kill -KILL -1'")
    assert ending == Ending(end=LOST, signal="KILL")
    assert box.renew()
    assert box.run("sleep 60", timeout=0.1)[0].end is End.TIMED_OUT


def test_state_survives_from_step_to_step(box: Box) -> None:
    box.run(NOISE + "export A='a b'; B=plain; f() { echo from f; }; set -f; set -- x y")
    ending, output = box.run('echo "$A|$B|$1|$#|*"; f')
    assert ending == Ending(end=RETURNED, status=0)
    assert b"a b|plain|x|2|*\n" in output
    assert b"from f\n" in output


def test_exports_survive_exit_and_renewal(box: Box) -> None:
    value = "first\nsecond 'single' \"double\" $HOME `x` \\ äß漢 "
    quoted = value.replace("'", "'\\''")
    for text in ("exit 0", "true"):
        assert box.run(f"export KEPT='{quoted}'; {text}")[0].passed
        assert box.renew()
        _, output = box.run('printf "%s" "$KEPT"')
        assert output == value.encode()


def test_set_e_of_one_step_does_not_reach_the_next(box: Box) -> None:
    assert box.run(sourced("set -e; true"))[0].passed
    assert box.run("false; true")[0] == Ending(end=RETURNED, status=0)


def test_reading_never_eats_commands(box: Box) -> None:
    ending, output = box.run("cat; read line; echo got $?; (cat; cat) | cat; cat <&0")
    assert ending == Ending(end=RETURNED, status=0)
    assert output == b"got 1\n"
    assert box.run("echo next")[1] == b"next\n"


def test_background_processes_go_on_printing(box: Box) -> None:
    box.run("( i=0; while [ $i -lt 20000 ]; do echo tick; i=$((i+1)); done; echo last ) & : ")
    output = b""
    while b"last" not in output:
        ending, more = box.run("sleep 0.02")
        assert ending == Ending(end=RETURNED, status=0)
        output += more
    assert output.count(b"last") == 1


def test_output_is_whole_and_in_order(box: Box) -> None:
    text = "i=0; while [ $i -lt 3000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done"
    ending, output = box.run(text)
    assert ending.passed
    assert output == b"".join(b"o%d\ne%d\n" % (i, i) for i in range(3000))


def test_bytes_that_are_no_text_pass_unchanged(box: Box) -> None:
    ending, output = box.run(r"printf 'a\000b\377\n\r\033[0m\200\000'")
    assert ending.passed
    assert output == b"a\0b\xff\n\r\033[0m\x80\0"


def test_fifty_megabytes_arrive(box: Box) -> None:
    answer = box.do("run", script="dd if=/dev/zero bs=1M count=50 2>/dev/null", timeout=30)
    assert answer["ending"][:2] == [RETURNED, 0]
    assert answer["size"] == 50 * 2**20


KILLED = {
    "a command": "echo begun; sleep 60",
    "a command that ignores TERM": "echo begun; sh -c 'trap \"\" TERM; echo; sleep 60; sleep 60'",
    "a busy shell": "echo begun; while :; do :; done",
    "a shell that ignores TERM": "trap '' TERM; echo begun; while :; do sleep 60; done",
    "a shell that traps TERM": "trap 'echo caught' TERM; echo begun; while :; do sleep 60; done",
    "a step that exits 0 on TERM": "trap 'exit 0' TERM; echo begun; sleep 60; exit 0",
}


@pytest.mark.parametrize("name", KILLED)
def test_a_timeout_ends_it(box: Box, name: str) -> None:
    ending, output = box.run(KILLED[name], timeout=0.2)
    assert ending == Ending(end=End.TIMED_OUT)
    assert output.startswith(b"begun\n")
    assert box.renew()
    assert box.run("echo on")[1] == b"on\n"


def test_silence_ends_it_and_output_does_not(box: Box) -> None:
    ending, output = box.run("for i in 1 2 3; do sleep 0.15; echo $i; done; sleep 60", silence=0.4)
    assert ending == Ending(end=End.SILENT)
    assert output.startswith(b"1\n2\n3\n")


def test_a_cancelled_step_ends(box: Box) -> None:
    ending, _ = box.run("echo begun; sleep 60", cancel_on="begun")
    assert ending == Ending(end=End.CANCELLED)
    assert box.run("echo on")[1].endswith(b"on\n")


def test_exports_survive_a_timeout(box: Box) -> None:
    text = "export KEPT=yes; sh -c 'trap \"\" TERM; sleep 60'"
    assert box.run(text, timeout=1.0)[0].end is End.TIMED_OUT
    assert box.renew()
    assert box.run("echo $KEPT")[1] == b"yes\n"


def test_renewal_ends_everything_else(box: Box, subject: Subject) -> None:
    if subject.image is None:
        pytest.skip("a box without process ids of its own leaves this to its door")
    start = "(trap '' TERM; exec >/dev/null 2>&1; echo $$ >/dev/shm/up; sleep 777) & sleep 778 &"
    box.run(f"rm -f /dev/shm/up; {start} until [ -e /dev/shm/up ]; do :; done")
    assert box.renew()
    left = box.ask("for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done")
    assert b"sleep 77" not in left
    assert b"steersman" in left


def test_a_question_changes_nothing_and_hears_no_noise(box: Box) -> None:
    box.run(NOISE)
    assert box.ask("ASKED=1; cd /; printf 'one  two\\n\\nthree'; echo no >&2; exit 3") == (
        b"one  two\n\nthree"
    )
    assert box.run('[ -z "${ASKED-}" ]')[0].passed


def test_a_forged_control_line_hangs_nothing(box: Box) -> None:
    forged = (
        'for w in "done 999999 0 0" "ready" "ended 999 0 0" ""; do echo "$__steer_prefix$w"; done'
    )
    ending, _ = box.run(f"printf '%s' \"$__steer_prefix\"; {forged}; (exit 3)")
    assert ending == Ending(end=RETURNED, status=3)
    ending, _ = box.run('echo "${__steer_prefix}done $__steer_number 0 0"; (exit 3)')
    assert ending.end is RETURNED
    assert box.run("echo on")[1].endswith(b"on\n")


def test_a_step_past_its_time_is_never_green_though_it_killed_the_helper(
    new_box: Callable[..., Box], subject: Subject
) -> None:
    if subject.transport != "fifo":
        pytest.skip("only a box with pipes has a helper")
    box = new_box()
    assert "error" not in box.open()
    script = "kill -KILL $__steer_helper; sleep 60"
    assert box.run(script, timeout=0.1)[0] == Ending(end=End.TIMED_OUT)


def test_a_helper_in_place_of_one_that_was_killed_is_not_waited_for(
    new_box: Callable[..., Box], subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    if subject.transport != "fifo" or subject.image is None:
        pytest.skip("only a box with pipes and processes of its own has a helper that matters")
    # Were it taken for a process of the step, it would be given this time to end.
    monkeypatch.setattr(subjects, "GRACE", 300.0)
    box = new_box()
    assert "error" not in box.open()
    assert box.run("kill -KILL $__steer_helper")[0].passed
    assert box.renew()


def test_a_stopped_shell_goes_on_when_killed(box: Box) -> None:
    assert box.run("kill -STOP $$; sleep 60", timeout=0.1)[0] == Ending(end=End.TIMED_OUT)
    assert box.renew()


def test_a_box_that_ends_is_noticed(new_box: Callable[..., Box], subject: Subject) -> None:
    box = new_box()
    assert "error" not in box.open()
    assert box.run("sleep 60 & echo here")[1] == b"here\n"
    if subject.transport == "fifo":
        box.do("kill", how="end")
    else:
        box.stop()
    assert box.run("sleep 60", timeout=5)[0] == Ending(end=End.BOX_GONE)
    assert box.renew() is False
    assert box.do("ask", script="echo")["error"] == "Unavailable"
