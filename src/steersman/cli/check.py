"""`steer check`: say what is wrong with a pipeline file, and what was found in it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import click

from steersman import pipeline_file, step_store
from steersman.cli.answering import as_text_or_json
from steersman.core import step_doubts
from steersman.core.pipelines import report
from steersman.core.pipelines.boxes import service_name
from steersman.core.pipelines.model import Box, Config, Pipeline, Step, Workflow
from steersman.core.problems import Problem, Severity

STEPS = Path(".wercker", "steps")


@click.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--wercker-yml",
    type=click.Path(path_type=Path),
    envvar="WERCKER_YML_FILE",
    help="The pipeline file.",
)
@as_text_or_json
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.pass_context
def command(
    context: click.Context,
    file: Path | None,
    wercker_yml: Path | None,
    output: str,
    *,
    strict: bool,
) -> None:
    """Check a pipeline file without running anything.

    FILE is a file or a folder with one in it; without it, the current folder is searched. Exits
    with 0 if the file can be used, else with 2.
    """
    path = file or wercker_yml or Path()
    parsed = pipeline_file.read(pipeline_file.find(path) if path.is_dir() else path)
    if parsed.config is not None:
        doubts = (*_of_steps(parsed.config), *_of_schedules(parsed.config))
        parsed = parsed._replace(problems=(*parsed.problems, *doubts))
    valid = parsed.config is not None and not (strict and parsed.problems)
    if output == "json":
        click.echo(json.dumps(_answer(parsed, valid=valid), indent=2, ensure_ascii=False))
    else:
        _print(parsed, valid=valid)
    context.exit(0 if valid else 2)


def _of_steps(config: Config) -> Iterator[Problem]:
    """Return what is doubtful about the steps that are named."""
    try:
        there = os.listdir(STEPS)
    except OSError:
        there = []
    return step_doubts.doubts(config, step_store.built_in_names(), there)


def _of_schedules(config: Config) -> Iterator[Problem]:
    """Return what schedules may mean otherwise; most files have none, and need no calendar."""
    sections: tuple[Workflow | Pipeline, ...] = (*config.workflows, *config.pipelines.values())
    if not any("schedules" in each.reserved for each in sections):
        return iter(())
    from steersman.core.schedules import doubting

    return doubting.doubts(config, int(time.time()))


def _print(parsed: pipeline_file.Parsed, *, valid: bool) -> None:
    if parsed.config is not None:
        for line in summary(parsed.config):
            click.echo(report.printable(line))
    if parsed.problems:
        click.echo(report.render(parsed.problems, parsed.source), err=True)
        click.echo(report.summary(parsed.problems), err=True)
    if not valid and parsed.config is not None:
        click.echo("warnings count as errors here (--strict)", err=True)


def summary(config: Config) -> list[str]:
    """Say in lines what a file holds."""
    lines = [_pipeline_line(pipeline) for pipeline in config.pipelines.values()]
    return lines + [_workflow_line(workflow) for workflow in config.workflows]


def _pipeline_line(pipeline: Pipeline) -> str:
    words = f"found pipeline {pipeline.name}"
    if pipeline.box is not None:
        words += f" in image {_image(pipeline.box)}"
    if pipeline.services:
        words += f" with {', '.join(service_name(service) for service in pipeline.services)}"
    counts = [_count(len(pipeline.steps), "step")]
    if pipeline.after_steps:
        counts.append(_count(len(pipeline.after_steps), "after-step"))
    if pipeline.targets:
        counts.append(f"deploy targets {', '.join(pipeline.targets)}")
    return f"{words}, {', '.join(counts)}"


def _workflow_line(workflow: Workflow) -> str:
    nodes = [
        f"{node.name} (after {', '.join(node.requires)})" if node.requires else node.name
        for node in workflow.pipelines
    ]
    return f"found workflow {workflow.name}: {', '.join(nodes)}"


def _image(box: Box) -> str:
    return f"{box.id} tag {box.tag}" if box.tag else box.id


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _answer(parsed: pipeline_file.Parsed, *, valid: bool) -> dict[str, object]:
    config = parsed.config
    return {
        "valid": valid,
        "pipelines": [_pipeline(each) for each in config.pipelines.values()] if config else [],
        "workflows": [_workflow(each) for each in config.workflows] if config else [],
        "problems": [_problem(each) for each in parsed.problems],
        "errors": sum(each.severity is Severity.ERROR for each in parsed.problems),
        "warnings": sum(each.severity is Severity.WARNING for each in parsed.problems),
    }


def _pipeline(pipeline: Pipeline) -> dict[str, object]:
    return {
        "name": pipeline.name,
        "box": _image(pipeline.box) if pipeline.box else None,
        "services": [service_name(service) for service in pipeline.services],
        "steps": [_step(step) for step in pipeline.steps],
        "after_steps": [_step(step) for step in pipeline.after_steps],
        "targets": {
            name: [_step(step) for step in steps] for name, steps in pipeline.targets.items()
        },
        "line": pipeline.place.line,
    }


def _step(step: Step) -> dict[str, object]:
    return {"id": step.id, "name": step.display_name, "line": step.place.line}


def _workflow(workflow: Workflow) -> dict[str, object]:
    nodes = [
        {"name": node.name, "pipeline": node.pipeline, "requires": list(node.requires)}
        for node in workflow.pipelines
    ]
    return {"name": workflow.name, "pipelines": nodes}


def _problem(problem: Problem) -> dict[str, object]:
    return {
        "severity": problem.severity,
        "code": problem.code,
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "message": problem.message,
        "hint": problem.hint,
    }
