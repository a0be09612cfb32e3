"""The flags of the commands that run a pipeline: the original's names, and short current ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from steersman.cli import completing

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class _Time(click.FloatRange):
    """A number above 0; what is no number at all is no limit either, and refused."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not a number", param, ctx)
        return number


def _flag(*names: str, help: str | None = None, **more: Any) -> Decorator:
    return click.option(*names, help=help, hidden=help is None, **more)


def _where(*places: str) -> Decorator:
    return _flag(
        "--on",
        "where",
        type=click.Choice(places),
        default="auto",
        show_default=True,
        help="where steps run; auto: on the host where no engine answers",
    )


_DIRECT_MOUNT = _flag(
    "--direct-mount", is_flag=True, help="work on the project itself, not on a copy"
)
_EXPOSE_PORTS = _flag("--expose-ports", is_flag=True, help="publish the ports of box and services")
_WHAT = [
    _flag(
        "-p",
        "--pipeline",
        envvar="WERCKER_PIPELINE",
        shell_complete=completing.pipelines,
        help="the section of the file to run",
    ),
    _flag(
        "--deploy-target",
        envvar="WERCKER_DEPLOYTARGET_NAME",
        help="run these steps instead of `steps`",
    ),
    _flag(
        "-f",
        "--wercker-yml",
        "--file",
        "wercker_yml",
        envvar="WERCKER_YML_FILE",
        help="the pipeline file",
    ),
    _flag("--source-dir", help="folder of the source in which steps start"),
    _flag("--ignore-file", help="names of files that are not copied [default: .werckerignore]"),
    _DIRECT_MOUNT,
    _flag(
        "--artifacts",
        is_flag=True,
        help="keep the artifacts of steps, and the source where the output is empty",
    ),
]
_BOX = [
    _flag("--checkpoint", metavar="NAME", help="begin after the step with this `checkpoint`"),
    _flag("--commit", metavar="IMAGE", help="make this image of the box once all has succeeded"),
    _flag("--tag"),
    _flag("--message"),
    _flag(
        "--attach-on-error",
        is_flag=True,
        help="open a shell in the box of a failed run before it is removed",
    ),
]
_SEVERAL = [
    _flag(
        "--parallel",
        type=click.IntRange(min=1),
        metavar="N",
        help="so many pipelines of a workflow at once [default: one a processor, at least 2]",
    ),
    _flag(
        "--from",
        "first",
        metavar="PIPELINE",
        help="take up the last run of the workflow at this pipeline of it",
    ),
]
_VARIABLES = [
    _flag(
        "-e", "--env", multiple=True, metavar="NAME=VALUE", help="set a variable of the pipeline"
    ),
    _flag(
        "--environment",
        envvar="WERCKER_ENVIRONMENT_FILE",
        help="file of X_ and XXX_ variables [default: ENVIRONMENT]",
    ),
]
_CONTAINERS = [
    _flag(
        "--pull",
        type=click.Choice(["missing", "always", "never"]),
        default="missing",
        show_default=True,
        help="when to pull images",
    ),
    _flag("--docker-local", is_flag=True, help="pull nothing, and push nothing"),
    _flag("--docker-host", envvar="DOCKER_HOST", help="address of the container engine"),
    _flag("--docker-tls-verify", envvar="DOCKER_TLS_VERIFY"),
    _flag("--docker-cert-path", envvar="DOCKER_CERT_PATH"),
    _flag("--docker-dns", envvar="DOCKER_DNS", multiple=True),
    _flag("--docker-memory", type=click.IntRange(min=4), metavar="MB"),
    _flag("--docker-network"),
    _EXPOSE_PORTS,
    _flag("--publish", multiple=True),
    _flag("--enable-volumes", is_flag=True, help="mount the volumes that box and services name"),
    _flag("--no-remove", is_flag=True, help="leave containers and network standing"),
]
_ENGINE = [*_CONTAINERS, _where("auto", "containers", "host")]
_CLUSTER = [
    _flag(
        "--kubeconfig",
        type=click.Path(path_type=Path, dir_okay=False),
        help="on kubernetes: how to reach the cluster [default: KUBECONFIG, else ~/.kube/config]",
    ),
    _flag("--namespace", help="on kubernetes: where the pod is made [default: the kubeconfig's]"),
    _flag(
        "--image",
        envvar="STEERSMAN_IMAGE",
        help="on kubernetes: Steersman's own image, which the nodes can fetch",
    ),
    _flag(
        "--pools-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="on kubernetes: YAML with the settings of pools, as a worker has it",
    ),
    _flag("--pool", default="default", help="on kubernetes: the pool of that file"),
]
_LIMITS = [
    _flag(
        "--command-timeout",
        type=_Time(min=0, min_open=True),
        metavar="MINUTES",
        help="longest time for a step [default: 25]",
    ),
    _flag(
        "--no-response-timeout",
        type=_Time(min=0, min_open=True),
        metavar="MINUTES",
        help="longest silence of a step [default: 5]",
    ),
    _flag(
        "--service-timeout",
        type=_Time(min=0, min_open=True),
        default=60,
        show_default=True,
        metavar="SECONDS",
        help="longest time for services to answer",
    ),
]
_PLACES = [
    _flag(
        "-w",
        "--working-dir",
        envvar="WERCKER_WORKING_DIR",
        default=".wercker",
        show_default=True,
        help="where runs, output and cache are kept",
    ),
    _flag("--refresh-steps", is_flag=True, help="fetch steps again that are in the cache"),
    _flag(
        "--step-registry",
        "--steps-registry",
        "step_registry",
        envvar="STEERSMAN_STEP_REGISTRY",
        metavar="PLACE",
        help="where published steps are: a folder, an http(s) address, or `server`",
    ),
    _flag("--run-id", envvar="WERCKER_RUN_ID_OVERRIDE"),
]
_FACTS = [
    _flag(f"--{name}", envvar=f"WERCKER_{name.upper().replace('-', '_')}")
    for name in (
        "application-id",
        "application-name",
        "application-owner-name",
        "application-started-by-name",
        "git-domain",
        "git-owner",
        "git-repository",
        "git-branch",
        "git-tag",
        "git-commit",
    )
]
_DISPLAY = [
    _flag("-q", "--quiet", is_flag=True, help="only the output of steps, and what went wrong"),
    _flag("-v", "--verbose", is_flag=True, help="say more of what happens"),
    _flag("--debug", is_flag=True),
    _flag("--no-colors", is_flag=True, help="no colours (NO_COLOR does the same)"),
    _flag(
        "--log-format",
        type=click.Choice(["auto", "live", "plain", "json", "github", "gitlab"]),
        default="auto",
        show_default=True,
        help="how progress is shown",
    ),
    _flag("--log-json", is_flag=True),
]


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command every flag of running a pipeline."""
    return _given(function, _WHAT, _BOX, _VARIABLES, _ENGINE, _LIMITS, _PLACES, _FACTS, _DISPLAY)


def dev_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the same flags, with the project itself in the box and its ports published."""
    direct_mount = _flag(
        "--direct-mount/--no-direct-mount",
        default=True,
        help="work on the project itself, not on a copy [default: on]",
    )
    expose_ports = _flag(
        "--expose-ports/--no-expose-ports",
        default=True,
        help="publish the ports of box and services [default: on]",
    )
    what = [direct_mount if each is _DIRECT_MOUNT else each for each in (*_WHAT, *_BOX)]
    engine = [expose_ports if each is _EXPOSE_PORTS else each for each in _ENGINE]
    return _given(function, what, _VARIABLES, engine, _LIMITS, _PLACES, _FACTS, _DISPLAY)


def anywhere_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the same flags but the pipeline's name, and a cluster as another place."""
    engine = [*_CONTAINERS, _where("auto", "containers", "host", "kubernetes")]
    what = [*_WHAT[1:], *_BOX, *_SEVERAL]
    return _given(function, what, _VARIABLES, engine, _CLUSTER, _LIMITS, _PLACES, _FACTS, _DISPLAY)


def workflow_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags of running a workflow: the file says which pipelines."""
    what = [*_WHAT[1:], *_SEVERAL]
    return _given(function, what, _VARIABLES, _ENGINE, _LIMITS, _PLACES, _FACTS, _DISPLAY)


def _given(function: Callable[..., Any], *groups: list[Decorator]) -> Callable[..., Any]:
    for option in reversed([option for group in groups for option in group]):
        function = option(function)
    return function
