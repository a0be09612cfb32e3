"""The pod and the Secret of an attempt: whole, safe, and nothing secret in the wrong one."""

from __future__ import annotations

import base64
import json
import re
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.cluster.base import RunnerSpec
from steersman.cluster.kubernetes import containers, manifests, pools
from steersman.cluster.kubernetes.api import Api
from steersman.cluster.kubernetes.containers import Ours
from steersman.cluster.kubernetes.manifests import Avoided
from steersman.cluster.kubernetes.pools import Pool
from steersman.core.errors import Refused, UserError
from tests.kubernetes import clusters

OURS = Ours("steersman:1")
LOGIN = {"registry": "registry.example.com", "username": "ci", "password": "pa$$word-7"}


def spec(**wanted: Any) -> RunnerSpec:
    said = clusters.wanted(**wanted)
    said["box"]["entrypoint"] = None
    return RunnerSpec("a1", "t0ken", "https://ci.test", "default", {"ca": "PEM"}, said)


def pod(pool: Pool | None = None, avoided: Avoided | None = None, **wanted: Any) -> dict[str, Any]:
    return manifests.pod(spec(**wanted), pool or Pool("default"), OURS, avoided)


def container(of: dict[str, Any], name: str) -> dict[str, Any]:
    every = [*of["spec"]["initContainers"], *of["spec"]["containers"]]
    return next(each for each in every if each["name"] == name)


def mounts(of: dict[str, Any], name: str) -> dict[str, str]:
    return {
        f"{each['name']}:{each['mountPath']}": "ro" if each.get("readOnly") else "rw"
        for each in container(of, name)["volumeMounts"]
    }


def test_who_may_write_what_is_as_the_design_says() -> None:
    made = pod()
    assert mounts(made, "prepare") == {
        "session:/steersman/session": "rw",
        "work:/steersman/work": "rw",
    }
    assert mounts(made, "runner") == {
        "session:/steersman/session": "rw",
        "work:/steersman/work": "ro",
        "given:/steersman/given": "rw",
        "spool:/steersman/spool": "rw",
        "order:/steersman/order": "ro",
    }
    assert mounts(made, "box") == {
        "session:/steersman/session": "ro",
        "given:/steersman/given": "ro",
        "work:/pipeline": "rw",
        "work:/report": "rw",
    }
    assert "volumeMounts" not in container(pod(services=[clusters.service("db")]), "svc-0")


def test_heartbeats_begin_before_the_box_is_fetched() -> None:
    made = pod(services=[clusters.service("db"), clusters.service("cache")])
    order = [each["name"] for each in made["spec"]["containers"]]
    assert order == ["runner", "box", "svc-0", "svc-1"]


def test_our_own_containers_may_nothing() -> None:
    for name in ("prepare", "runner"):
        secured = container(pod(), name)["securityContext"]
        assert secured == {
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }


def test_only_the_runner_is_told_on_which_node_it_is() -> None:
    said = {
        "name": "STEERSMAN_NODE",
        "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}},
    }
    told = pod(services=[clusters.service("db")])
    for name in ("prepare", "runner", "box", "svc-0"):
        assert (said in container(told, name).get("env", ())) == (name == "runner")


def test_a_box_cannot_sniff_and_in_a_restricted_pool_it_cannot_be_root() -> None:
    dropped = {"capabilities": {"drop": ["MKNOD", "NET_RAW"]}}
    assert container(pod(), "box")["securityContext"] == dropped
    restricted = container(pod(Pool("default", restricted=True)), "box")["securityContext"]
    assert restricted == {
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
    }


@pytest.mark.parametrize(
    ("said", "profile"),
    [
        ("default", None),
        ("unconfined", {"type": "Unconfined"}),
        ("localhost/ci/build.json", {"type": "Localhost", "localhostProfile": "ci/build.json"}),
    ],
)
def test_a_pool_may_say_what_filters_the_system_calls_of_boxes_and_of_nothing_else(
    said: str, profile: dict[str, str] | None
) -> None:
    pool = pools.read({"build": {"seccomp": said}})["build"]
    made = pod(pool, services=[clusters.service("db")])
    assert made["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for name in ("prepare", "runner", "box", "svc-0"):
        found = container(made, name)["securityContext"].get("seccompProfile")
        assert found == (profile if name == "box" else None), name


def test_the_pod_has_no_account_no_shared_processes_and_the_runtime_s_seccomp() -> None:
    inside = pod()["spec"]
    assert inside["automountServiceAccountToken"] is False
    assert inside["shareProcessNamespace"] is False
    assert inside["enableServiceLinks"] is False
    assert inside["restartPolicy"] == "Never"
    expected = {"fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    assert inside["securityContext"] == expected
    assert "hostNetwork" not in inside


def test_a_pod_stays_on_a_node_that_is_not_ready_for_as_long_as_that_lasts() -> None:
    tolerated = {
        each["key"]: each
        for each in pod()["spec"]["tolerations"]
    }  # fmt: skip
    for what in ("not-ready", "unreachable"):
        each = tolerated[f"node.kubernetes.io/{what}"]
        assert each["effect"] == "NoExecute"
        assert "tolerationSeconds" not in each


def test_services_are_found_by_their_names_at_the_pod_s_own_address() -> None:
    made = pod(services=[clusters.service("db"), clusters.service("cache")])
    assert made["spec"]["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": ["db", "cache"]}]


@pytest.mark.parametrize("name", ["my_db", "Db", "-db", ""])
def test_a_service_that_no_host_can_be_called_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="a service cannot be called"):
        pod(services=[clusters.service(name)])


def test_users_are_numbers() -> None:
    assert container(pod(box={"user": "1000:50"}), "box")["securityContext"]["runAsUser"] == 1000
    with pytest.raises(UserError, match="by number only"):
        pod(box={"user": "node"})


def test_nodes_that_lost_this_job_are_avoided_unless_there_are_no_others() -> None:
    strict = pod(avoid=["n2", "n1"])["spec"]["affinity"]["nodeAffinity"]
    terms = strict["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert [each["values"] for each in terms[0]["matchFields"]] == [["n1"], ["n2"]]
    mild = pod(None, Avoided(("n1",), strictly=False))["spec"]["affinity"]["nodeAffinity"]
    assert list(mild) == ["preferredDuringSchedulingIgnoredDuringExecution"]


def test_docker_is_for_pools_that_allow_it() -> None:
    with pytest.raises(UserError, match="not allowed in the pool default"):
        pod(docker=True)
    allowed = pod(Pool("default", docker="/run/docker.sock"), docker=True)
    assert "docker:/var/run/docker.sock" in mounts(allowed, "box")
    assert "docker:/var/run/docker.sock" not in mounts(allowed, "runner")


def test_a_box_gets_what_its_pipeline_asks_for_within_the_pool_s_bounds() -> None:
    asked = container(pod(resources={"memory": "3Gi"}), "box")["resources"]
    assert asked["limits"] == {"cpu": "4", "memory": "3Gi", "ephemeral-storage": "4Gi"}
    assert asked["requests"] == {"cpu": "500m", "memory": "3Gi", "ephemeral-storage": "4Gi"}
    with pytest.raises(UserError, match="asks for 9Gi of memory, the pool default allows 8Gi"):
        pod(resources={"memory": "9Gi"})


def test_without_a_word_of_what_it_holds_there_is_no_pod() -> None:
    with pytest.raises(Refused, match="did not say"):
        manifests.pod(RunnerSpec("a1", "t", "http://x", "default"), Pool("default"), OURS)


def test_the_runner_s_order_holds_no_logins() -> None:
    made = manifests.secret(spec(logins=[LOGIN]))
    order = json.loads(base64.b64decode(made["data"]["spec.json"]))
    assert order == {
        "attempt": "a1",
        "token": "t0ken",
        "server_url": "https://ci.test",
        "pool": "default",
        "settings": {"ca": "PEM"},
        "wanted": {"services": [], "docker": False},
    }
    (order_volume,) = (v for v in pod(logins=[LOGIN])["spec"]["volumes"] if v["name"] == "order")
    assert order_volume["secret"]["items"] == [{"key": "spec.json", "path": "spec.json"}]


def test_the_runner_knows_which_ports_of_which_service_it_waits_for() -> None:
    hidden = clusters.service("redis", ports=["6379/tcp"], secret_env={"PASSWORD": "s3cret"})
    data = manifests.secret(spec(services=[hidden]))["data"]["spec.json"]
    order = json.loads(base64.b64decode(data))
    assert order["wanted"]["services"] == [{"name": "redis", "ports": ["6379/tcp"]}]


def expanded(text: str) -> str:
    """Replace as a kubelet does, which knows no variable."""
    return re.sub(r"\$(\$|\([^)]*\))", lambda m: "$" if m[1] == "$" else f"<{m[1]}>", text)


@given(st.text())
def test_kubernetes_gives_every_text_back(text: str) -> None:
    assert expanded(containers.literal(text)) == text


words = st.text("abcdefgh$(){}\"\\\n'", min_size=1, max_size=12).map(lambda text: f"S3CRET{text}")
variables = st.dictionaries(st.sampled_from(["A", "B_C", "D"]), words, max_size=3)


@given(words, words, st.lists(variables, max_size=3))
def test_nothing_secret_stands_in_the_pod(
    token: str, password: str, hidden: list[dict[str, str]]
) -> None:
    services = [
        clusters.service(f"s{at}", secret_env=each, env={"SEEN": "yes"})
        for at, each in enumerate(hidden)
    ]
    made = spec(services=services, logins=[{**LOGIN, "password": password}])._replace(token=token)
    assert "S3CRET" not in json.dumps(manifests.pod(made, Pool("default"), OURS))
    data = manifests.secret(made)["data"]
    kept = [base64.b64decode(each).decode() for each in data.values()]
    for at, each in enumerate(hidden):
        for entry in container(manifests.pod(made, Pool("default"), OURS), f"svc-{at}")["env"][1:]:
            key = entry["valueFrom"]["secretKeyRef"]["key"]
            assert base64.b64decode(data[key]).decode() == each[entry["name"]]
    assert any(json.dumps(token) in each for each in kept)


FULL = {
    "resources": {"default": {"cpu": "1"}, "max": {"cpu": "8"}, "service": {"memory": "1Gi"}},
    "node-selector": {"disk": "fast"},
    "tolerations": [{"key": "jobs", "operator": "Exists"}],
    "priority-class": "steersman-jobs",
    "pull-secrets": ["mirror"],
    "docker": True,
    "labels": {"team": "build"},
    "annotations": {"note": "x"},
}


def test_a_pool_is_read_with_everything_it_may_say() -> None:
    pool = pools.read({"big": FULL, "small": None})["big"]
    assert (pool.default.cpu, pool.most.cpu, pool.service.memory) == ("1", "8", "1Gi")
    assert pool.docker == "/var/run/docker.sock"
    inside = manifests.pod(spec(), pool, OURS)["spec"]
    assert inside["nodeSelector"] == {"disk": "fast"}
    assert inside["priorityClassName"] == "steersman-jobs"
    assert inside["imagePullSecrets"] == [{"name": "mirror"}]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([], "no map of pools"),
        ({"a": {"nodeselector": {}}}, "nothing is known of nodeselector"),
        ({"a": {"restricted": "yes"}}, "neither true nor false"),
        ({"a": {"pull": "Sometimes"}}, "Sometimes"),
        ({"a": {"labels": {"x": 1}}}, "no text"),
        ({"a": {"resources": {"max": {"memory": "much"}}}}, "no amount"),
        ({"a": {"resources": {"max": {"memory": "1Gi"}}}}, "more than its max"),
        ({"a": {"resources": {"limit": {}}}}, "nothing is known of limit"),
        ({"a": {"tolerations": {}}}, "no list"),
        ({"a": {"seccomp": "Unconfined"}}, "Unconfined"),
        ({"a": {"seccomp": "localhost/../x"}}, "localhost/../x"),
        ({"a": {"seccomp": "localhost/"}}, "localhost/"),
        ({"a": {"seccomp": "unconfined", "restricted": True}}, "exclude each other"),
    ],
)
def test_a_mistake_in_the_pools_file_is_named(said: object, words: str) -> None:
    with pytest.raises(UserError, match=words):
        pools.read(said)


@pytest.mark.kubernetes
def test_the_api_server_takes_every_kind_of_pod_as_it_is() -> None:
    whole = spec(
        services=[clusters.service("db", secret_env={"PASSWORD": "x"}, env={"A": "$(B)"})],
        logins=[LOGIN],
        avoid=["node-9"],
        docker=True,
    )
    pool = {**FULL, "restricted": True}
    del pool["priority-class"]  # The cluster need not know it.
    made = [
        manifests.secret(whole),
        manifests.secret(spec()),
        manifests.pod(whole, pools.read({"p": pool})["p"], OURS),
        manifests.pod(spec(), Pool("default"), OURS, Avoided(("n",), strictly=False)),
    ]
    with clusters.namespace() as name:
        for each in made:
            taken = clusters.ask(partial(tried, each, name))
            assert kept(each, taken) == said(each)


async def tried(manifest: dict[str, Any], namespace: str, api: Api) -> dict[str, Any]:
    path = f"/api/v1/namespaces/{namespace}/{manifest['kind'].lower()}s"
    return await api.call("POST", path, manifest, {"dryRun": "All"})


def said(sent: Any) -> Any:
    """Leave out what says nothing, as the API server does."""
    if isinstance(sent, dict):
        return {key: said(each) for key, each in sent.items() if each not in (False, [], {})}
    return [said(each) for each in sent] if isinstance(sent, list) else sent


def kept(sent: Any, taken: Any) -> Any:
    """Return of what was taken the part that was sent."""
    if isinstance(sent, dict):
        return {key: kept(each, taken.get(key)) for key, each in said(sent).items()}
    if isinstance(sent, list):
        # What a list holds that was not sent stands behind.
        return [kept(each, other) for each, other in zip(sent, taken, strict=False)]
    return taken
