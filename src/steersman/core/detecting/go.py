"""Go: modules, and the GOPATH of older projects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from steersman.core.detecting.base import Run, Sight, Stack, found, number
from steersman.core.detecting.services import needed

READ = ("go.mod", ".golangci.yml", ".golangci.yaml")
SIGNS = ("go.mod", "Gopkg.toml", "glide.yaml", "vendor/vendor.json")
SOURCES = r"[^/]+\.go"
_NEWEST = "1"
_FIRST_TO_FETCH = (1, 21)
"""The first Go that fetches a newer one when a module asks for that."""
_CACHES = """\
export GOMODCACHE="$WERCKER_CACHE_DIR/go/modules" GOCACHE="$WERCKER_CACHE_DIR/go/build"
"""
_GET = """\
export GO111MODULE=off
[ -d vendor ] || go get -t -v ./..."""
_PATHS = re.compile(r"[A-Za-z0-9.-]+(?:/[A-Za-z0-9._-]+)+")


def detect(sight: Sight) -> Stack | None:
    """Return what Go needs here."""
    sign = sight.has(*SIGNS) or sight.matching(SOURCES)
    if not sign:
        return None
    if not sight.has("go.mod"):
        return _with_gopath(sight, sign)
    text = sight.text("go.mod")
    wanted = found(r"^toolchain go(\d+\.\d+)", text) or found(r"^go (\d+\.\d+)", text)
    is_recent = number(wanted) >= _FIRST_TO_FETCH
    return Stack(
        key="go",
        title="Go",
        because="go.mod",
        image=f"golang:{wanted if is_recent else _NEWEST}",
        image_because=f"go.mod asks for {wanted}" if wanted else "nothing names a version",
        runs=(
            Run("download", f"{_CACHES}go mod download", "go.mod"),
            Run("vet", "go vet ./...", "go.mod"),
            Run("test", "go test ./...", sight.matching(r".*_test\.go") or "no tests are here yet"),
            *_built(sight),
        ),
        services=needed(_libraries(text), "go.mod"),
    )


def needs_address(sight: Sight) -> bool:
    """Tell whether it matters where the repository lives: without modules that is a folder."""
    return not sight.has("go.mod") and bool(sight.has(*SIGNS) or sight.matching(SOURCES))


def _built(sight: Sight) -> Iterator[Run]:
    main = sight.has("main.go") or sight.matching(r"cmd/[^/]+/.*\.go")
    if main:
        yield Run("build", 'go build -o "$WERCKER_OUTPUT_DIR/" ./...', main)


def _libraries(text: str) -> Iterator[str]:
    for path in re.findall(r"^(?:require)?\s+([\w.-]+(?:/[\w.-]+)+)", text, re.MULTILINE):
        yield re.sub(r"/v\d+$", "", path)


def _with_gopath(sight: Sight, sign: str) -> Stack:
    """Return what a project from before modules needs: its place below GOPATH, and no modules."""
    is_known = _PATHS.fullmatch(sight.address) and ".." not in sight.address
    place = sight.address if is_known else "example.org/project"
    return Stack(
        key="go",
        title="Go without modules",
        because=sign,
        image="golang:1.20",
        image_because="the newest in which GOPATH works without surprises",
        runs=(
            Run("get", _GET, "there is no go.mod"),
            Run("test", "go test ./...", sight.matching(r".*_test\.go") or "no tests are here yet"),
        ),
        base_path=f"/go/src/{place}",
    )
