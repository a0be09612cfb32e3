"""Configurations: files of Cronetes, maps of ours, and a corpus of bad ones."""

from __future__ import annotations

import pytest

from steersman.core.schedules.schedule import Catching, Overlapping
from steersman.cron.configs.reading import Read, Reading, read
from steersman.cron.launchers.base import What

JOB = """
  job:
    apiVersion: batch/v1
    kind: Job
    metadata: {name: sendemails}
    spec: {template: {spec: {restartPolicy: Never, containers: [{name: job, image: debian}]}}}
"""
READING = Reading("UTC", 1_800_000_000)


def _read(text: str) -> Read:
    return read(text, "cron.yml", READING)


def _item(schedule: str = "'0 * * * * *'", job: str = JOB, more: str = "") -> str:
    return f"- schedule: {schedule}{more}{job}"


def test_a_file_of_cronetes_is_read_as_it_was_meant() -> None:
    found = _read(_item('"0 3 * * *"'))
    assert found.entries is not None
    entry = found.entries["sendemails"]
    assert entry.work.base == "sendemails"
    assert entry.schedule.tables[0].timing.minutes == 1 << 3  # type: ignore[union-attr]
    assert "five-fields" in {problem.code for problem in found.problems}


def test_texts_stay_texts_where_the_cluster_wants_them() -> None:
    job = """
  job:
    metadata: {name: a, labels: {version: 1.0, on: yes}, annotations: {n: 08}}
    spec:
      backoffLimit: 2
      template:
        spec:
          containers:
          - {name: b, image: busybox, command: [sleep, 5], env: [{name: X, value: true}],
             ports: [{containerPort: 80}]}
"""
    entries = _read(_item(job=job)).entries
    assert entries is not None
    body = entries["a"].work.body
    assert body["metadata"]["labels"] == {"version": "1.0", "on": "true"}
    assert body["spec"]["backoffLimit"] == 2
    (container,) = body["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["sleep", "5"]
    assert container["env"] == [{"name": "X", "value": "true"}]
    assert container["ports"] == [{"containerPort": 80}]


def test_two_items_of_one_name_have_names_that_no_order_changes() -> None:
    first, second = _item("'0 * * * * *'"), _item("'30 * * * * *'")
    forth, back = _read(first + second).entries, _read(second + first).entries
    assert forth is not None
    assert back is not None
    assert len(forth) == len(back) == 2


def test_a_map_of_ours_has_defaults_and_policies() -> None:
    found = _read(
        "defaults: {timezone: Europe/Berlin, catch-up: none, overlap: {queue: 3}}\n"
        "schedules:\n"
        "- name: nightly\n"
        "  schedules: ['H 2 * * *', '0 14 * * sat']\n"
        "  catch-up: {all: 5}\n"
        "  dst: {gap: skip, fold: both}\n"
        "  deadline: 10m\n  jitter: 30s\n  group: db\n  stop: {failures: 3}\n"
        "  alarms: {late: 1m, silent: 2d, missed: false}\n"
        "  starts: 2026-01-01\n  ends: 2030-01-01T00:00:00+01:00\n"
        f"{JOB[1:]}"
    )
    assert found.entries is not None
    schedule = found.entries["nightly"].schedule
    assert schedule.catch_up == (Catching.ALL, 5)
    assert schedule.overlap == (Overlapping.QUEUE, 3)
    assert [table.zone.name for table in schedule.tables] == ["Europe/Berlin"] * 2
    assert (schedule.deadline, schedule.jitter, schedule.group) == (600, 30, "db")
    assert schedule.alarms == (60, None, 172800, False)


def test_an_unchanged_schedule_keeps_its_version() -> None:
    one, two = _read(_item()).entries, _read("# a comment\n" + _item()).entries
    other = _read(_item("'1 * * * * *'")).entries
    assert one is not None
    assert two is not None
    assert other is not None
    versions = [each["sendemails"].schedule.version for each in (one, two, other)]
    assert versions[0] == versions[1] != versions[2]


def test_an_item_may_have_a_command_instead_of_a_job() -> None:
    found = _read(
        "schedules:\n"
        "- {name: Back up!, schedule: 5 3 * * *, command: [pg_dump, -f, yes, 5], limit: 30m,\n"
        "   directory: /srv, environment: {PGHOST: 010, PGPASSWORD: }}\n"
        "- {name: log, schedule: 5 3 * * *, command: date >> log}\n"
    )
    assert found.entries is not None
    first, second = (each.work for each in found.entries.values())
    assert (first.what, first.base, first.schedule) == (What.COMMAND, "back-up", "Back up!")
    assert first.body == {
        "command": ["pg_dump", "-f", "yes", "5"], "directory": "/srv", "limit": 1800,
        "environment": {"PGHOST": "010", "PGPASSWORD": None},
    }  # fmt: skip
    assert second.body["command"] == ["sh", "-c", "date >> log"]


def test_a_file_of_cronetes_knows_no_commands() -> None:
    found = _read("- {schedule: '0 * * * * *', name: a, command: date}")
    assert {problem.code for problem in found.problems} == {"unknown-key", "missing-job"}


OURS = "schedules:\n- name: a\n  schedule: '5 * * * *'\n"
LONG = "x" * 51
BAD = [
    ("- schedule: '* * * *'" + JOB, "bad-schedule"),
    ("- schedule: ''" + JOB, "wrong-type"),
    ("- schedule: '0 0 0 30 2 ?'" + JOB, "bad-schedule"),
    ("- schedule: [a, b]" + JOB, "bad-schedule"),
    ("- schedule: {a: b}" + JOB, "wrong-type"),
    ("- schedule: []" + JOB, "empty"),
    ("- schedule:" + JOB, "wrong-type"),
    ("- schedule: '*/0 * * * * *'" + JOB, "bad-schedule"),
    ("- schedule: '0 0 0 * * 7'" + JOB, "bad-schedule"),
    ("- schedule: '@hour'" + JOB, "bad-schedule"),
    ("- job: {}\n", "missing-schedule"),
    ("- schedule: '0 * * * * *'\n", "missing-job"),
    ("- schedule: '0 * * * * *'\n  job:\n", "missing-job"),
    ("- schedule: '0 * * * * *'\n  job: text\n", "missing-job"),
    (_item(job="\n  job: {kind: Pod}\n"), "not-a-job"),
    (_item(job="\n  job: {apiVersion: v1}\n"), "not-a-job"),
    (_item(job="\n  job: {metadata: {name: a}}\n"), "not-a-job"),
    (_item(job="\n  job: {metadata: {name: a}, spec: 5}\n"), "not-a-job"),
    (
        _item(job=JOB.replace("containers: [{name: job, image: debian}]", "containers: []")),
        "not-a-job",
    ),
    (
        _item(job=JOB.replace("containers: [{name: job, image: debian}]", "containers: 5")),
        "not-a-job",
    ),
    (_item(job=JOB.replace("name: sendemails", "labels: {}")), "missing-name"),
    (_item(job=JOB.replace("sendemails", LONG)), "name-too-long"),
    (_item(job=JOB.replace("sendemails", "Send_Emails")), "bad-name"),
    (_item(job=JOB.replace("sendemails", "-a")), "bad-name"),
    ("- text\n", "wrong-type"),
    ("text\n", "wrong-type"),
    ("5\n", "wrong-type"),
    ("a: b\n", "unknown-key"),
    ("schedules: text\n", "wrong-type"),
    ("defaults: {}\n", "missing-key"),
    ("- [\n", "syntax"),
    ("\t- a\n", "tab"),
    ("- a: b: c\n", "unexpected-colon"),
    ("- a: 1\n  a: 2\n  schedule: '@daily'" + JOB, "duplicate-key"),
    (OURS + "  timezone: Mars/Olympus\n" + JOB, "unknown-zone"),
    (OURS + "  timezone: [UTC]\n" + JOB, "wrong-type"),
    (OURS + "  colour: red\n" + JOB, "unknown-key"),
    (OURS + "  catch-up: some\n" + JOB, "bad-word"),
    (OURS + "  catch-up: {all: 0}\n" + JOB, "bad-number"),
    (OURS + "  catch-up: {few: 1}\n" + JOB, "unknown-key"),
    (OURS + "  overlap: {}\n" + JOB, "missing-key"),
    (OURS + "  overlap: never\n" + JOB, "bad-word"),
    (OURS + "  overlap: {queue: x}\n" + JOB, "bad-number"),
    (OURS + "  deadline: soon\n" + JOB, "bad-duration"),
    (OURS + "  deadline: -5s\n" + JOB, "bad-duration"),
    (OURS + "  jitter: 5 minutes\n" + JOB, "bad-duration"),
    (OURS + "  priority: high\n" + JOB, "bad-number"),
    (OURS + "  priority: 1001\n" + JOB, "bad-number"),
    (OURS + "  attempts: 0\n" + JOB, "bad-number"),
    (OURS + "  group: {}\n" + JOB, "wrong-type"),
    (OURS + "  starts: tomorrow\n" + JOB, "bad-time"),
    (OURS + "  ends: 2026-13-01\n" + JOB, "bad-time"),
    (OURS + "  anchor: x\n" + JOB, "bad-time"),
    (OURS + "  dst: {gap: jump}\n" + JOB, "bad-word"),
    (OURS + "  dst: {fold: third}\n" + JOB, "bad-word"),
    (OURS + "  dst: shift\n" + JOB, "wrong-type"),
    (OURS + "  stop: {failures: 0}\n" + JOB, "bad-number"),
    (OURS + "  stop: 5\n" + JOB, "wrong-type"),
    (OURS + "  alarms: {loud: 1m}\n" + JOB, "unknown-key"),
    (OURS + "  alarms: {late: x}\n" + JOB, "bad-duration"),
    (OURS + "  alarms: {missed: perhaps}\n" + JOB, "wrong-type"),
    (OURS + "  mode: quartz\n" + JOB, "bad-word"),
    (OURS + JOB + OURS.removeprefix("schedules:\n") + JOB, "same-name"),
    (OURS.replace("5 * * * *", "CRON_TZ=Nowhere 5 * * * *") + JOB, "bad-schedule"),
    ("schedules:\n- name: ''\n  schedule: '5 * * * *'\n" + JOB, "wrong-type"),
    ("[" * 200 + "]" * 200, "too-deep"),
    (OURS + "  command: date\n" + JOB, "two-works"),
    (OURS.replace("name: a", "priority: 1") + "  command: date\n", "missing-name"),
    (OURS + "  limit: 5m\n" + JOB, "missing-command"),
    (OURS + "  command: []\n", "bad-command"),
    (OURS + "  command: {a: b}\n", "bad-command"),
    (OURS + "  command:\n", "wrong-type"),
    (OURS + "  command: [echo, [a]]\n", "bad-command"),
    (OURS + "  command: [echo, ~]\n", "bad-command"),
    (OURS + "  command: ['', a]\n", "bad-command"),
    (OURS + '  command: "a\\0b"\n', "bad-text"),
    (OURS + "  command: a\n  directory: here\n", "bad-directory"),
    (OURS + "  command: a\n  environment: [A]\n", "wrong-type"),
    (OURS + "  command: a\n  environment: {A-B: 5}\n", "bad-variable"),
    (OURS + "  command: a\n  environment: {STEERSMAN_INSTANT: 5}\n", "bad-variable"),
    (OURS + "  command: a\n  environment: {A: [5]}\n", "wrong-type"),
    (OURS + "  command: a\n  limit: 0s\n", "bad-duration"),
]


@pytest.mark.parametrize(("text", "code"), BAD)
def test_a_bad_configuration_is_refused_with_its_place(text: str, code: str) -> None:
    found = _read(text)
    assert found.entries is None
    errors = {problem.code: problem for problem in found.problems if problem.severity == "error"}
    assert code in errors
    assert errors[code].place.line >= 1


def test_the_column_of_a_bad_schedule_is_told() -> None:
    found = _read('- schedule: "0 61 * * * *"' + JOB)
    (problem,) = [each for each in found.problems if each.severity == "error"]
    assert (problem.place.line, problem.place.column) == (1, 16)


def test_an_empty_configuration_runs_nothing_and_says_so() -> None:
    found = _read("# nothing\n")
    assert found.entries == {}
    assert [problem.code for problem in found.problems] == ["empty"]


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (
            _item("0 0 30 2 *"),
            "30 is no hour",
            "between 0 and 23; five fields are second to month, as in Cronetes",
        ),
        (
            _item("CRON_TZ=Europe/Berlin 0 3 * * * *"),
            "6 (second minute hour day month weekday) or 5 (without a weekday)",
            "write `timezone:` beside the schedule",
        ),
        (_item(job=JOB.replace("kind: Job", "kind: CronJob")), "must be Job", "`jobTemplate:`"),
        (
            _item(job="\n  job: {metadata: {name: a}}"),
            "the job has no spec",
            "spec.template.spec.containers",
        ),
    ],
)
def test_a_usual_mistake_is_answered_by_what_to_write(text: str, said: str, hint: str) -> None:
    found = _read(text)
    assert found.entries is None
    (problem,) = [each for each in found.problems if each.severity == "error"]
    assert said in problem.message
    assert hint in (problem.hint or "")
