"""The chart, rendered by the real Helm: the same objects as `steer install` makes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from steersman import __version__
from tests.deploy import helm, wanted
from tests.deploy.wanted import CASES, CHART, Case

MANAGED = "app.kubernetes.io/managed-by"


@pytest.fixture(scope="module", params=helm.PACKAGES, ids=lambda version: f"helm-{version}")
def program(request: pytest.FixtureRequest) -> str:
    return helm.required(request.param)


def rendered(
    program: str, values: dict[str, Any], folder: Path, version: str = "1.31"
) -> subprocess.CompletedProcess[str]:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    words = ["template", "steersman", str(CHART), "--namespace=steersman", f"--values={file}"]
    return subprocess.run(
        [program, *words, "--skip-tests", f"--kube-version={version}"],
        capture_output=True,
        text=True,
        check=False,
    )


def comparable(found: list[Any]) -> dict[str, Any]:
    """Return objects by their names, without what the two ways say of themselves."""
    result = {}
    for each in found:
        metadata = each["metadata"]
        for labels in (metadata["labels"], _inner(each).get("labels", {})):
            labels.pop(MANAGED, None)
            labels.pop("helm.sh/chart", None)
        # Both write the pools as YAML, but not with the same quotes: what they say is compared.
        _inner(each).get("annotations", {}).pop("steersman.dev/pools", None)
        if "pools.yaml" in each.get("data", {}):
            each["data"]["pools.yaml"] = yaml.safe_load(each["data"]["pools.yaml"])
        if metadata.get("annotations", {}).pop("helm.sh/resource-policy", None):
            del metadata["annotations"]
        result[f"{each['kind']} {metadata.get('namespace')}/{metadata['name']}"] = each
    return result


def _inner(each: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = each.get("spec", {}).get("template", {}).get("metadata", {})
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_chart_gives_what_steer_install_gives(program: str, case: Case, tmp_path: Path) -> None:
    version = ".".join(map(str, min(case.wishes.kubernetes, (1, 31))))
    done = rendered(program, case.values, tmp_path, version)
    assert done.returncode == 0, done.stderr
    chart = comparable([each for each in yaml.safe_load_all(done.stdout) if each])
    ours = comparable(wanted.objects(case))
    # The namespace of a release is made by whoever installs it.
    del ours["Namespace None/steersman"]
    assert chart.keys() == ours.keys()
    for name in ours:
        assert chart[name] == ours[name], name


def test_the_chart_is_of_this_version() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__


def test_every_value_is_known_to_the_schema(program: str) -> None:
    flags = ["--set=url=https://ci.example.org", "--set=blobs.bucket=s3://ci"]
    done = subprocess.run(
        [program, "lint", "--strict", str(CHART), *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values.keys() == schema["properties"].keys() - {"global"}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "blobs.bucket"),
        ({"url": ""}, "url"),
        ({"url": "ci.example.org"}, "url"),
        ({"replicas": 5}, "replicas"),
        ({"blobs": {"bucket": "ci"}}, "bucket"),
        ({"blobs": {"bucket": "s3://ci", "claim": "data"}}, "not in both"),
        ({"blobs": {"claim": "data"}}, "cannot share a volume"),
        ({"blobs": {"bucket": "s3://ci"}, "jobs": {"namespace": "steersman"}}, "beside the server"),
        ({"networkPolicy": {"denied": ["10.0.0.1"]}}, "denied"),
        ({"pools": {"default": "large"}}, "pools"),
        ({"server": {"replicas": 0}}, "replicas"),
    ],
)
def test_values_that_cannot_be_are_refused_in_words(
    program: str, said: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    done = rendered(program, {"url": "https://ci.example.org", **said}, tmp_path)
    assert done.returncode != 0
    assert sentence in done.stderr


def test_another_release_has_names_of_its_own(program: str) -> None:
    flags = ["--set=url=https://ci.example.org", "--set=blobs.bucket=s3://ci"]
    done = subprocess.run(
        [program, "template", "blue", str(CHART), *flags],
        capture_output=True,
        text=True,
        check=True,
    )
    named = {
        each["metadata"]["name"]
        for each in yaml.safe_load_all(done.stdout)
        if each and each["kind"] not in ("Namespace", "ClusterRole", "ClusterRoleBinding")
    }
    assert all(name.startswith("blue-steersman") for name in named)
