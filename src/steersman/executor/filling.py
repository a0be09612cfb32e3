"""What stands in a box before its first step: folders, source, cache and the files of steps."""

from __future__ import annotations

from steersman import trees
from steersman.containers.base import Upload
from steersman.executor.fetching import ReadyStep
from steersman.executor.job import Job
from steersman.trees import Entry, Kind

INIT = "wercker-init"


def uploads(job: Job, ready: tuple[ReadyStep, ...]) -> list[Upload]:
    """Name everything the box needs before it starts."""
    folders = ["output", *(() if job.settings.direct_mount else ("cache",))]
    pipeline = [_folder(""), *map(_folder, folders), _folder(INIT)]
    pipeline.append(_text(f"{INIT}/init.sh", job.step_store.init_script))
    for step in ready:
        top = step.root.rpartition("/")[2]
        pipeline.append(_folder(top))
        pipeline += [_below(top, entry) for entry in step.entries if entry.name]
    reports = [_folder("")]
    for step in ready:
        top = step.report.rpartition("/")[2]
        reports += [_folder(top), _folder(f"{top}/artifacts")]
    wanted = [
        Upload(target=f"{job.root}/pipeline", entries=pipeline),
        Upload(target=f"{job.root}/report", entries=reports),
    ]
    if not job.settings.direct_mount:
        wanted += _sources(job)
        if job.cache.is_dir():
            wanted.append(
                Upload(target=f"{job.root}/pipeline/cache", entries=trees.scan(job.cache))
            )
    return wanted


def _sources(job: Job) -> list[Upload]:
    if not job.parts:
        return [Upload(target=job.base_path, entries=trees.scan(job.source, job.skip))]
    return [
        Upload(target=f"{job.base_path}/{name}", entries=trees.scan(folder))
        for name, folder in job.parts
    ]


def _folder(name: str) -> Entry:
    return Entry(name=name, kind=Kind.FOLDER, mode=0o755)


def _text(name: str, text: str) -> Entry:
    data = text.encode()
    return Entry(name=name, kind=Kind.FILE, mode=0o755, source=data, size=len(data))


def _below(top: str, entry: Entry) -> Entry:
    target = f"{top}/{entry.target}" if entry.kind is Kind.HARDLINK else entry.target
    return entry._replace(name=f"{top}/{entry.name}", target=target)
