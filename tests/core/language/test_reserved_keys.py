"""Our own keys: read into plain data, nonsense refused."""

from __future__ import annotations

import json

import pytest

from tests.core.language.reading import codes, config, parsed, pipeline

GOOD = {
    "on: push": {"on": {"events": ["push"]}},
    "on: [push, tag]": {"on": {"events": ["push", "tag"]}},
    "on: {branches: [main, '!wip/*'], tags: v*, paths: [src/**], events: [push]}": {
        "on": {
            "branches": ["main", "!wip/*"],
            "tags": ["v*"],
            "paths": ["src/**"],
            "events": ["push"],
        }
    },
    "schedules: 30 4 * * 1-5": {"schedules": [{"cron": "30 4 * * 1-5"}]},
    "schedules: ['@daily', {cron: '0 0 4 * * *', timezone: Europe/Rome, catch-up: latest}]": {
        "schedules": [
            {"cron": "@daily"},
            {"cron": "0 0 4 * * *", "timezone": "Europe/Rome", "catch-up": "latest"},
        ]
    },
    "schedules: [{cron: '@every 1h30m', branch: main, overlap: forbid, name: n}]": {
        "schedules": [{"cron": "@every 1h30m", "name": "n", "branch": "main", "overlap": "forbid"}]
    },
    "schedules: {cron: H 3 * * *, catch-up: {all: 5}, overlap: {queue: 3}, dst: {fold: both}}": {
        "schedules": [
            {
                "cron": "H 3 * * *",
                "catch-up": {"all": 5},
                "overlap": {"queue": 3},
                "dst": {"fold": "both"},
            }
        ]
    },
    "schedules: {cron: '@hourly', jitter: 30, deadline: 1h, attempts: 1, stop: {failures: 2}}": {
        "schedules": [
            {
                "cron": "@hourly",
                "deadline": "1h",
                "jitter": "30",
                "attempts": 1,
                "stop": {"failures": 2},
            }
        ]
    },
    "schedules: {cron: '@daily', starts: 2026-01-01, ends: 2030-01-01T00:00:00Z, group: db}": {
        "schedules": [
            {
                "cron": "@daily",
                "group": "db",
                "starts": "2026-01-01",
                "ends": "2030-01-01T00:00:00Z",
            }
        ]
    },
    "concurrency: deploys": {"concurrency": {"group": "deploys"}},
    "concurrency: {group: a, cancel-in-progress: yes}": {
        "concurrency": {"group": "a", "cancel-in-progress": True}
    },
    "priority: -5": {"priority": -5},
    "approve: true": {"approve": True},
    "approve: [ops, ann]": {"approve": ["ops", "ann"]},
    "retries: 2": {"retries": 2},
    "retry-on-error: never": {"retry-on-error": "never"},
    "resources: {cpu: 500m, memory: 2Gi, disk: 10Gi}": {
        "resources": {"cpu": "500m", "memory": "2Gi", "disk": "10Gi"}
    },
    "resources: {cpu: 0.5}": {"resources": {"cpu": "0.5"}},
    "pool: untrusted": {"pool": "untrusted"},
    "reports: {junit: 'out/*.xml'}": {"reports": {"junit": ["out/*.xml"]}},
    "cache: false": {"cache": False},
    "cache: [node_modules, .npm]": {"cache": {"paths": ["node_modules", ".npm"]}},
    "cache: {paths: [a], key: k-1}": {"cache": {"paths": ["a"], "key": "k-1"}},
    "matrix: {PY: [3.10, '3.11'], OS: linux, exclude: [{PY: 3.10}]}": {
        "matrix": {"PY": ["3.10", "3.11"], "OS": ["linux"], "exclude": [{"PY": "3.10"}]}
    },
    "allow-failure: true": {"allow-failure": True},
}


@pytest.mark.parametrize(("line", "expected"), GOOD.items())
def test_a_reserved_key_becomes_plain_data(line: str, expected: dict[str, object]) -> None:
    found = pipeline(f"box: b\nbuild:\n  {line}\n").reserved
    plain = json.loads(json.dumps(dict(found)))
    assert plain == found
    for each in plain.get("schedules", ()):
        assert each.pop("at")[0] == 3
    assert plain == expected


BAD = {
    "on: pull": "wrong-choice",
    "on: {branch: main}": "unknown-key",
    "on: {branches: {a: b}}": "wrong-type",
    "on: ": "empty",
    "schedules: tomorrow": "bad-schedule",
    "schedules: [{timezone: UTC}]": "missing-key",
    "schedules: [{cron: '* * *'}]": "bad-schedule",
    "schedules: [[a]]": "wrong-type",
    "schedules: 0 0 30 2 *": "bad-schedule",
    "schedules: {cron: '@daily', timezone: Europe/Nowhere}": "bad-schedule",
    "schedules: {cron: '@daily', jitter: soon}": "bad-schedule",
    "schedules: {cron: '@daily', starts: tomorrow}": "bad-schedule",
    "schedules: {cron: '@daily', attempts: 11}": "wrong-type",
    "schedules: {cron: '@daily', overlap: {queue: 0}}": "wrong-type",
    "schedules: {cron: '@daily', catch-up: {}}": "missing-key",
    "schedules: {cron: '@daily', dst: {gap: maybe}}": "wrong-choice",
    "schedules: {cron: '@daily', name: a/b}": "bad-name",
    "schedules: [{cron: '@daily', name: a}, {cron: '@hourly', name: a}]": "duplicate-schedule",
    "schedules: [{cron: '@daily', overlap: maybe}]": "wrong-choice",
    "concurrency: {cancel-in-progress: true}": "missing-key",
    "concurrency: [a]": "wrong-type",
    "priority: high": "wrong-type",
    "priority: 101": "wrong-type",
    "approve: {a: b}": "wrong-type",
    "retries: 11": "wrong-type",
    "retries: -1": "wrong-type",
    "retry-on-error: nevr": "wrong-choice",
    "resources: {cpu: many}": "bad-quantity",
    "resources: {memory: -1}": "bad-quantity",
    "resources: {memory: 0}": "bad-quantity",
    "resources: {memory: 512}": "bad-quantity",
    "resources: {memory: 999999999999999999999999Ti}": "bad-quantity",
    "resources: {cpu: 5000}": "bad-quantity",
    "resources: 2": "wrong-type",
    "pool: [a]": "wrong-type",
    "reports: junit.xml": "wrong-type",
    "cache: {key: a}": "missing-key",
    "matrix: [a]": "wrong-type",
    "matrix: {A: []}": "empty",
    "matrix: {a-b: [c]}": "bad-variable",
    "matrix: {include: a}": "wrong-type",
    "allow-failure: perhaps": "wrong-type",
}


@pytest.mark.parametrize(("line", "code"), BAD.items())
def test_nonsense_in_a_reserved_key_is_refused(line: str, code: str) -> None:
    assert codes(f"box: b\nbuild:\n  {line}\n") == [code]


def test_a_mistake_in_a_cron_expression_is_shown_at_its_character() -> None:
    text = "box: b\nbuild:\n  schedules: [{cron: 0 99 * * *}, {cron: '0 0 31 2 *'}]\n"
    found = [(each.place.line, each.place.column) for each in parsed(text).problems]
    assert found == [(3, 24), (3, 47)]


def test_schedules_of_one_name_are_found_across_a_file() -> None:
    text = """
        box: b
        build: {schedules: {cron: "@daily", name: night}}
        workflows:
          - {name: w, schedules: [{cron: "@daily", name: night}], pipelines: [{name: build}]}
    """
    assert codes(text) == ["duplicate-schedule"]


def test_a_matrix_cannot_explode() -> None:
    values = ", ".join(f"V{i}: [a, b]" for i in range(9))
    assert codes(f"box: b\nbuild:\n  matrix: {{{values}}}\n") == ["too-many-jobs"]


def test_a_workflow_and_its_pipelines_have_reserved_keys() -> None:
    text = """
        box: b
        build: {}
        workflows:
          - name: w
            on: {branches: main}
            schedules: "@daily"
            pipelines:
              - name: build
                approve: [ops]
                retries: 1
    """
    (workflow,) = config(text).workflows
    daily = {"cron": "@daily", "at": [7, 16]}
    assert workflow.reserved == {"on": {"branches": ["main"]}, "schedules": [daily]}
    assert workflow.pipelines[0].reserved == {"approve": ["ops"], "retries": 1}


def test_reserved_keys_mean_nothing_at_the_top_where_any_name_is_a_pipeline() -> None:
    assert list(config("box: b\non: {}\ncache: {}\n").pipelines) == ["on", "cache"]
