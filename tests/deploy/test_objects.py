"""What is installed: every pod may nothing but what it must, and everything finds its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from steersman.cli import main
from steersman.cli.installing.wishes import Networks, check, version
from steersman.cluster.kubernetes import pools
from steersman.core.errors import UserError
from tests.deploy import wanted
from tests.deploy.wanted import CASES, FULL, LEAST, ONE, ROOT, Case, one

EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def templates(case: Case) -> list[dict[str, Any]]:
    return [
        each["spec"]["template"] for each in wanted.objects(case) if each["kind"] == "Deployment"
    ]


def matches(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


@EVERY
def test_no_pod_of_ours_is_root_writes_to_its_image_or_may_become_more(case: Case) -> None:
    for template in templates(case):
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


@EVERY
def test_only_the_worker_has_an_account_that_may_anything(case: Case) -> None:
    found = wanted.objects(case)
    bound = {
        subject["name"]
        for each in found
        if each["kind"].endswith("Binding")
        for subject in each["subjects"]
    }
    assert bound == {"steersman-worker"}
    server = one(found, "Deployment", "steersman-server")["spec"]["template"]["spec"]
    assert server["automountServiceAccountToken"] is False


@EVERY
def test_the_worker_reads_no_secret_outside_of_the_namespace_of_jobs(case: Case) -> None:
    rules = [
        (each["metadata"].get("namespace"), resource)
        for each in wanted.objects(case)
        if each["kind"] in ("Role", "ClusterRole")
        for rule in each["rules"]
        for resource in rule["resources"]
    ]
    assert (case.wishes.jobs, "secrets") in rules
    assert {resource for namespace, resource in rules if namespace is None} == {"nodes"}
    assert {namespace for namespace, _ in rules} == {case.wishes.jobs, None}


@EVERY
def test_nothing_secret_stands_in_what_is_printed(case: Case) -> None:
    found = wanted.objects(case)
    assert "Secret" not in {each["kind"] for each in found}
    hidden = ("TOKEN", "KEY", "DATABASE")
    for template in templates(case):
        for variable in template["spec"]["containers"][0]["env"]:
            if any(word in variable["name"] for word in hidden):
                assert variable["valueFrom"]["secretKeyRef"]["name"]


@EVERY
def test_every_service_and_budget_finds_pods_and_each_port_is_there(case: Case) -> None:
    found = wanted.objects(case)
    labels = [each["metadata"]["labels"] for each in templates(case)]
    ports = {
        port["name"]
        for template in templates(case)
        for port in template["spec"]["containers"][0].get("ports", ())
    }
    services = [each["spec"] for each in found if each["kind"] == "Service"]
    budgets = [each["spec"] for each in found if each["kind"] == "PodDisruptionBudget"]
    selectors = [spec["selector"] for spec in services]
    selectors += [spec["selector"]["matchLabels"] for spec in budgets]
    assert len(selectors) == 4
    for selector in selectors:
        assert sum(matches(selector, each) for each in labels) == 1
    assert {port["targetPort"] for spec in services for port in spec["ports"]} == ports


def policy(case: Case, name: str) -> dict[str, Any]:
    found: dict[str, Any] = one(wanted.objects(case), "NetworkPolicy", f"steersman-{name}")["spec"]
    return found


def blocks(rules: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for rule in rules:
        for peer in rule.get("to", ()):
            if "ipBlock" in peer:
                yield peer["ipBlock"]


@EVERY
def test_jobs_reach_the_runner_port_of_the_server_and_no_other(case: Case) -> None:
    rules = policy(case, "jobs")["egress"]
    ports = [
        rule.get("ports")
        for rule in rules
        if any("component" in json.dumps(peer) for peer in rule["to"])
    ]
    assert ports == [[{"protocol": "TCP", "port": 8443}]]
    into = policy(case, "server")["ingress"]
    (admin,) = (rule for rule in into if {"protocol": "TCP", "port": 8080} in rule["ports"])
    (selector,) = (each["namespaceSelector"] for each in admin["from"] if "ipBlock" not in each)
    assert selector["matchExpressions"] == [
        {"key": "steersman.dev/role", "operator": "NotIn", "values": ["jobs"]}
    ]
    jobs = one(wanted.objects(case), "Namespace", case.wishes.jobs)["metadata"]["labels"]
    assert jobs["steersman.dev/role"] == "jobs"


@EVERY
@pytest.mark.parametrize("name", ["jobs", "trusted-jobs"])
def test_no_job_reaches_the_address_at_which_clouds_tell_credentials(case: Case, name: str) -> None:
    whole = [each for each in blocks(policy(case, name)["egress"]) if each["cidr"].endswith("/0")]
    assert {each["cidr"] for each in whole} == {"0.0.0.0/0", "::/0"}
    for each in whole:
        assert {"169.254.0.0/16", "fe80::/10"} & {*each["except"]}


def test_a_network_that_is_denied_is_left_out_of_the_internet_of_its_kind() -> None:
    by = {each["cidr"]: each.get("except", []) for each in blocks(policy(FULL, "jobs")["egress"])}
    assert "203.0.113.0/24" in by["0.0.0.0/0"]
    assert "2001:db8::/32" in by["::/0"]
    assert "10.1.2.0/24" in by


def test_whoever_is_no_job_gets_nowhere_from_the_namespace_of_jobs() -> None:
    said = policy(LEAST, "nothing-unless-said")
    assert said == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": [],
    }


@EVERY
def test_the_worker_is_told_the_pools_as_its_file_is_read(case: Case) -> None:
    text = one(wanted.objects(case), "ConfigMap", "steersman-pools")["data"]["pools.yaml"]
    assert pools.read(yaml.safe_load(text)) == pools.read(case.wishes.pools)


def test_other_pools_start_other_workers() -> None:
    said = [one(wanted.objects(each), "Deployment", "steersman-worker") for each in (LEAST, FULL)]
    assert len({json.dumps(each["spec"]["template"]["metadata"]) for each in said}) == 2


def test_budgets_are_of_the_version_that_the_cluster_knows() -> None:
    found = [
        one(wanted.objects(case), "PodDisruptionBudget", "steersman-server")["apiVersion"]
        for case in (FULL, LEAST)
    ]
    assert found == ["policy/v1beta1", "policy/v1"]


def test_one_server_on_a_volume_never_runs_twice() -> None:
    spec = one(wanted.objects(ONE), "Deployment", "steersman-server")["spec"]
    assert spec["strategy"] == {"type": "Recreate"}
    assert spec["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"url": "ci.example.org"}, "no address"),
        ({"blobs": ""}, "nothing says where"),
        ({"blobs": "/srv/blobs"}, "nothing says where"),
        ({"claim": "data"}, "not in both"),
        ({"blobs": "", "claim": "data"}, "cannot share"),
        ({"jobs": "steersman"}, "beside the server"),
        ({"namespace": "Steersman"}, "name of a namespace"),
        ({"networks": Networks(("10.0.0.1/8",))}, "host bits"),
        ({"networks": Networks((), ("private",))}, "private"),
    ],
)
def test_what_cannot_be_installed_is_refused_in_words(
    changed: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        check(LEAST.wishes._replace(**changed))


@pytest.mark.parametrize(
    ("said", "meant"), [("1.20", (1, 20)), ("v1.31.2", (1, 31)), ("v1.27.3-gke.100", (1, 27))]
)
def test_versions_are_read_as_clusters_say_them(said: str, meant: tuple[int, int]) -> None:
    assert version(said) == meant


@pytest.mark.parametrize("said", ["", "new", "1", "1.19"])
def test_a_version_that_is_none_or_too_old_is_refused(said: str) -> None:
    with pytest.raises(UserError):
        version(said)


def test_flags_say_what_the_parts_are_made_of(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pools.yaml"
    file.write_text(yaml.safe_dump(dict(FULL.wishes.pools)))
    flags = (
        "--image registry.example.org/ci/steersman:1.2 --jobs-namespace shop-jobs --pull-policy"
        " Always --pull-secret registry --replicas 3 --workers 4 --slots 50 --surplus 5 --blobs s3://ci/x"
        " --s3-endpoint https://minio.example.org --s3-region eu-central-1 --database-secret pg"
        " --s3-secret bucket --env STEERSMAN_ALLOW_HTTP=1 --env-secret oidc --deny 203.0.113.0/24"
        " --deny 2001:db8::/32 --allow 10.1.2.0/24 --from 198.51.100.0/24 --ingress"
        " --ingress-class nginx --ingress-tls ci-tls --service-monitor --kubernetes v1.20.2"
    )
    words = ["install", "--dry-run", "--url", "https://ci.example.org", *flags.split()]
    assert main.run([*words, "--pools-file", str(file)]) == 0
    printed = [each for each in yaml.safe_load_all(capsys.readouterr().out) if each]
    assert printed == wanted.objects(FULL)


def test_pools_with_a_mistake_are_refused_before_anything_is_printed(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pools.yaml"
    file.write_text("default: {memory: 2Gi}\n")
    flags = ["--url", "https://ci.example.org", "--blobs", "s3://ci", "--pools-file", str(file)]
    assert main.run(["install", "--dry-run", *flags]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "nothing is known of memory" in shown.err


def test_the_plain_manifests_are_what_the_command_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = ROOT / "deploy" / "manifests" / "steersman.yaml"
    head, _, rest = file.read_text().partition("---\n")
    command = head.splitlines()[-1].removeprefix("#     ").split()
    assert command[:2] == ["steer", "install"]
    assert main.run(command[1:]) == 0
    assert capsys.readouterr().out == f"---\n{rest}"
