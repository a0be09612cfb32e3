"""Python: pip, Poetry, uv or Pipenv; pytest, Django or unittest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from steersman.core.detecting.base import Run, Sight, Stack, found, inside, number, toml_map
from steersman.core.detecting.services import needed

READ = (
    "pyproject.toml", "requirements.txt", "requirements-dev.txt", "requirements/dev.txt",
    "setup.cfg", "setup.py", "Pipfile", "tox.ini", ".python-version", "runtime.txt",
)  # fmt: skip
SIGNS = (
    "pyproject.toml", "requirements.txt", "setup.py", "setup.cfg", "Pipfile", "manage.py",
    "requirements/dev.txt", "requirements-dev.txt",
)  # fmt: skip
_NEWEST = "3.12"
_TESTS = r"(?:tests?/(?:.*/)?)?(?:test_[^/]*|[^/]*_test)\.py"
_EXTRAS = ("test", "tests", "testing", "dev")
_KEPT = 'export PIP_CACHE_DIR="$WERCKER_CACHE_DIR/pip"\n'


def detect(sight: Sight) -> Stack | None:
    """Return what Python needs here."""
    sign = sight.has(*SIGNS)
    project = toml_map(sight.text("pyproject.toml"))
    if not sign or (sign == "pyproject.toml" and not _is_python(sight, project)):
        return None
    version, why = _version(sight, project)
    prefix, install = _install(sight, project)
    tests = _tests(sight, prefix)
    lint = _lint(sight, project)
    runs = (install, *lint, *tests)
    return Stack(
        key="python",
        title="Python",
        because=sign,
        image=f"python:{version}",
        image_because=why,
        runs=runs,
        services=needed(_libraries(sight), "a requirement"),
    )


def _is_python(sight: Sight, project: dict[str, Any]) -> bool:
    """Tell a Python project from one that only keeps settings of a tool in pyproject.toml."""
    said = "project" in project or "poetry" in inside(project, "tool") or "build-system" in project
    return said or bool(sight.matching(r"(?:src/)?[^/]+/__init__\.py"))


def _version(sight: Sight, project: dict[str, Any]) -> tuple[str, str]:
    for file in (".python-version", "runtime.txt"):
        if exact := found(r"(?:^|python-)(\d+\.\d+)", sight.text(file)):
            return exact, f"{file} names it"
    said = inside(project, "project").get("requires-python")
    said = said or inside(project, "tool", "poetry", "dependencies").get("python")
    said = said or found(r"python_requires\s*=\s*['\"]?([^'\"\n]+)", sight.text("setup.cfg"))
    said = said or found(r"python_requires\s*=\s*['\"]([^'\"\n]+)", sight.text("setup.py"))
    if not isinstance(said, str) or not said:
        return _NEWEST, "nothing names a version"
    return _within(said), f"the project asks for Python {said.strip()}"


def _within(wanted: str) -> str:
    """Return a version that fits: the one that is named, else a recent one."""
    if exact := found(r"==\s*(\d+\.\d+)", wanted):
        return exact
    if below := found(r"<\s*3\.(\d+)", wanted):
        return f"3.{max(int(below) - 1, 0)}"
    lowest = found(r"(?:>=?|~=?|\^)\s*(\d+\.\d+)", wanted)
    return lowest if number(lowest) > number(_NEWEST) else _NEWEST


def _install(sight: Sight, project: dict[str, Any]) -> tuple[str, Run]:
    """Return what to write before a command, and how everything is installed."""
    if sight.has("poetry.lock") or "poetry" in inside(project, "tool"):
        code = f"{_KEPT}pip install poetry\npoetry install"
        return "poetry run ", Run("install", code, sight.has("poetry.lock") or "pyproject.toml")
    if sight.has("uv.lock"):
        code = (
            f'{_KEPT}export UV_CACHE_DIR="$WERCKER_CACHE_DIR/uv"\npip install uv\nuv sync --locked'
        )
        return "uv run ", Run("install", code, "uv.lock")
    if sight.has("Pipfile"):
        options = " --deploy" if sight.has("Pipfile.lock") else ""
        code = f"{_KEPT}pip install pipenv\npipenv install --dev{options}"
        return "pipenv run ", Run("install", code, "Pipfile")
    files = [name for name in READ if name.startswith("requirements") and sight.has(name)]
    words = [f"-r {name}" for name in files]
    if sight.has("setup.py") or "build-system" in project or "project" in project:
        words.append(f"-e {_extra(project)}")
        files.append(sight.has("pyproject.toml", "setup.py"))
    code = f"{_KEPT}pip install {' '.join(words)}" if words else "python -V"
    return "", Run("install", code, ", ".join(files) or "nothing to install")


def _extra(project: dict[str, Any]) -> str:
    extras = inside(project, "project", "optional-dependencies")
    name = next((name for name in _EXTRAS if name in extras), "")
    return f"'.[{name}]'" if name else "."


def _tests(sight: Sight, prefix: str) -> Iterator[Run]:
    named = any("pytest" in sight.text(name) for name in READ)
    tests = sight.matching(_TESTS)
    if named or sight.has("pytest.ini", "conftest.py", "tests/conftest.py"):
        before = "" if named else "pip install pytest\n"
        because = "pytest is asked for" if named else sight.has("pytest.ini", "conftest.py")
        yield Run("test", f"{before}{prefix}python -m pytest", because or "tests/conftest.py")
    elif sight.has("manage.py"):
        yield Run("test", f"{prefix}python manage.py test", "manage.py")
    elif tests:
        # pytest runs what was written for unittest too, wherever it stands.
        yield Run("test", f"{prefix}pip install pytest\n{prefix}python -m pytest", tests)
    else:
        yield Run("test", f"{prefix}python -m compileall -q .", "no tests are here")


def _lint(sight: Sight, project: dict[str, Any]) -> Iterator[Run]:
    file = sight.has("ruff.toml", ".ruff.toml")
    if file or "ruff" in inside(project, "tool"):
        yield Run("lint", "pip install ruff\nruff check .", file or "pyproject.toml, tool.ruff")
    elif sight.has(".flake8"):
        yield Run("lint", "pip install flake8\nflake8", ".flake8")


def _libraries(sight: Sight) -> Iterator[str]:
    """Return what may be names of libraries, however the file is written."""
    for name in READ:
        if name not in (".python-version", "runtime.txt", "tox.ini"):
            yield from re.findall(
                r"(?:^|['\"])\s*([A-Za-z][\w.-]*)", sight.text(name), re.MULTILINE
            )
