"""Reading boxes and services."""

from __future__ import annotations

from functools import cache
from re import Pattern

from steersman.core import references, scalars
from steersman.core.nodes import Mapping, Node, Scalar, Sequence, describe
from steersman.core.pipelines import classic, fields, shapes
from steersman.core.pipelines.findings import Findings, shown
from steersman.core.pipelines.model import Box

_DIGEST = "sha"
_FIELDS = {field.name: field for field in fields.BOX}
_GONE = "wcr.io"


def read_box(node: Node, what: str, findings: Findings) -> Box | None:
    """Read a box or a service: the name of an image, or a map with at least `id`."""
    if type(node) is Scalar:
        return _from_name(node, what, findings)
    if type(node) is Sequence:
        hint = "write `box: IMAGE`; a list of containers beside the box is `services`"
        findings.error("wrong-type", node, f"{what} must be an image or a map, not a list", hint)
        return None
    return _from_map(node, what, findings)


def read_services(node: Node, findings: Findings) -> tuple[Box, ...]:
    """Read a list of services; one service without its list is understood, with a warning."""
    if type(node) is Sequence:
        items = node.items
    else:
        hint = "put `- ` before it"
        findings.warn("not-a-list", node, f"services should be a list, not {describe(node)}", hint)
        items = (node,)
    found = [read_box(item, "a service", findings) for item in items]
    services = tuple(service for service in found if service is not None)
    _check_names(services, items, findings)
    return services


def service_name(box: Box) -> str:
    """Return the host name of a service: its `name`, else the last part of its image."""
    if box.name:
        return box.name
    path = references.split_tag(box.id.partition("@")[0])[0]
    return path.rpartition("/")[2]


def _from_name(node: Scalar, what: str, findings: Findings) -> Box | None:
    name = shapes.filled(node, what, findings)
    if name is None:
        return None
    _check_image(node, name, None, what, findings)
    return Box(id=name, place=findings.place(node))


def _from_map(node: Node, what: str, findings: Findings) -> Box | None:
    if not (type(node) is Mapping and node.items):
        findings.error("empty", node, f"{what} is empty", "name an image, such as `id: node:22`")
        return None
    found = shapes.members(node, fields.BOX, what, findings)
    values: dict[str, object] = {}
    for name, (_, value) in found.items():
        if type(value) is Scalar and scalars.is_null(value):
            findings.warn(
                "empty", value, f"{name} of {what} is empty, which is as if it were absent"
            )
            continue
        values[name] = shapes.SIMPLE[_FIELDS[name].shape](value, f"{name} of {what}", findings)
    _check_logins(node, values, what, findings)
    return _checked(node, found, values, what, findings)


def _checked(
    node: Node,
    found: dict[str, tuple[Scalar, Node]],
    values: dict[str, object],
    what: str,
    findings: Findings,
) -> Box | None:
    image, url = values.get("id"), values.get("url")
    if image is None and not url:
        if "id" not in values:
            findings.error("no-image", node, f"{what} names no image", "add `id: IMAGE`")
        return None
    if isinstance(image, str):
        tag = values.get("tag")
        at = found["id"][1]
        _check_image(at, image, tag if isinstance(tag, str) else None, what, findings)
    _check_name(found, values, findings)
    _check_url(found, url, findings)
    return _box(node, values, findings)


def _box(node: Node, values: dict[str, object], findings: Findings) -> Box:
    login = {
        name: str(value).lower() if value is True or value is False else str(value)
        for name, value in values.items()
        if name.startswith(("aws-", "azure-")) and value is not None
    }
    taken = {
        name: value
        for name, value in values.items()
        if value is not None and not name.startswith(("aws-", "azure-"))
    }
    taken.setdefault("id", taken.get("url", ""))
    return Box(place=findings.place(node), auth=login, **taken)  # type: ignore[arg-type]


def _check_image(at: Node, name: str, tag: str | None, what: str, findings: Findings) -> None:
    """Check an image name; where it holds a variable only the pipeline's run can tell."""
    if "$" in name or "$" in (tag or ""):
        return
    before, mark, after = name.partition("@")
    if mark and not after.startswith(_DIGEST):
        hint = f"use an image instead, such as `{classic.guess(before)}`"
        message = f"{shown(name)} is a classic Wercker box (`owner/name@version`); those are gone"
        findings.error("classic-box", at, message, hint)
        return
    try:
        reference = references.image(name, tag)
    except references.InvalidReference as error:
        findings.error("bad-image", at, f"{what}: {error}", error.hint)
        return
    if (instead := classic.replacement(reference.repository)) is not None:
        message = f"{name} is a classic Wercker box, which no registry is sure to have"
        findings.warn("classic-box", at, message, f"use an image such as `{instead}`")
    elif reference.registry == _GONE:
        message = f"{name} is on {_GONE}, Wercker's own registry, which is gone"
        findings.warn("registry-gone", at, message, "push the image to another registry")


def _check_logins(node: Node, values: dict[str, object], what: str, findings: Findings) -> None:
    for names in (fields.AWS, fields.AZURE):
        missing = [name for name in names if not values.get(name)]
        if 0 < len(missing) < len(names):
            message = f"{what} has a part of a login only, which is not used"
            findings.warn("partial-login", node, message, f"add {', '.join(missing)}")


def _check_name(
    found: dict[str, tuple[Scalar, Node]], values: dict[str, object], findings: Findings
) -> None:
    name = values.get("name")
    if isinstance(name, str) and not _host_names().fullmatch(name):
        hint = "use letters, digits, '-', '_' and '.'"
        message = f"{shown(name)} cannot be the host name of a service"
        findings.error("bad-name", found["name"][1], message, hint)


def _check_url(found: dict[str, tuple[Scalar, Node]], url: object, findings: Findings) -> None:
    if isinstance(url, str) and not url.startswith("file://"):
        hint = "only `file://DIR#PIPELINE` means something"
        findings.warn("url-ignored", found["url"][1], f"url {shown(url)} is not used", hint)


def _check_names(services: tuple[Box, ...], items: tuple[Node, ...], findings: Findings) -> None:
    """Refuse two services under one host name: only one of them could be reached."""
    if len(services) != len(items) or len(services) < 2:
        return
    first: dict[str, Box] = {}
    for service, item in zip(services, items, strict=True):
        name = service_name(service).lower()
        if name and "$" not in name and name in first:
            hint = f"the first is in line {first[name].place.line}; give one another `name`"
            message = f"two services have the host name {shown(name)}"
            findings.error("duplicate-service", item, message, hint)
        first.setdefault(name, service)


@cache
def _host_names() -> Pattern[str]:
    import re

    return re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
