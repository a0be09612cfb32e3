"""Node.js: npm, Yarn, pnpm or Bun, and the scripts of package.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from steersman.core.detecting.base import Run, Sight, Stack, found, inside, json_map
from steersman.core.detecting.services import needed

READ = ("package.json", ".nvmrc", ".node-version")
SIGNS = ("package.json",)
_NEWEST = 22
_DEFAULT_TEST = "no test specified"
_SCRIPTS = ("lint", "typecheck", "test", "build")
# Where the tools that build sites put them.
_OUTPUTS: Mapping[str, str] = MappingProxyType(
    {
        "vite": "dist",
        "@vue/cli-service": "dist",
        "react-scripts": "build",
        "@docusaurus/core": "build",
        "gatsby": "public",
        "@11ty/eleventy": "_site",
        "astro": "dist",
    }
)


class _Manager(NamedTuple):
    name: str
    install: str
    because: str


def detect(sight: Sight) -> Stack | None:
    """Return what Node.js needs here."""
    if not sight.has("package.json"):
        return None
    package = json_map(sight.text("package.json"))
    manager = _manager(sight, package)
    version, why = _version(sight, package)
    libraries = [*inside(package, "dependencies"), *inside(package, "devDependencies")]
    is_bun = manager.name == "bun"
    return Stack(
        key="node",
        title="Node.js",
        because="package.json",
        image="oven/bun:1" if is_bun else f"node:{version}",
        image_because=manager.because if is_bun else why,
        runs=(
            Run("install", manager.install, manager.because),
            *_scripts(package, manager),
            *_output(package, libraries),
        ),
        services=needed(libraries, "package.json"),
    )


def _version(sight: Sight, package: dict[str, Any]) -> tuple[str, str]:
    for file in (".nvmrc", ".node-version"):
        if named := found(r"^v?(\d{1,3})\b", sight.text(file).strip()):
            return named, f"{file} names it"
    wanted = inside(package, "engines", "node")
    if not isinstance(wanted, str) or not (lowest := found(r"(\d{1,3})", wanted)):
        return str(_NEWEST), "nothing names a version"
    is_open = ">" in wanted and "<" not in wanted
    version = max(int(lowest), _NEWEST) if is_open else int(lowest)
    return str(version), f"package.json asks for {wanted}"


def _manager(sight: Sight, package: dict[str, Any]) -> _Manager:
    said = inside(package, "packageManager")
    named = said.partition("@")[0] if isinstance(said, str) else ""
    if named == "pnpm" or sight.has("pnpm-lock.yaml"):
        store = 'pnpm config set store-dir "$WERCKER_CACHE_DIR/pnpm"'
        frozen = " --frozen-lockfile" if sight.has("pnpm-lock.yaml") else ""
        code = f"corepack enable\n{store}\npnpm install{frozen}"
        return _Manager("pnpm", code, sight.has("pnpm-lock.yaml") or "package.json")
    if named == "yarn" or sight.has("yarn.lock"):
        return _Manager("yarn", _yarn(sight), sight.has("yarn.lock") or "package.json")
    if named == "bun" or sight.has("bun.lock", "bun.lockb"):
        return _Manager("bun", "bun install", sight.has("bun.lock", "bun.lockb") or "package.json")
    lock = sight.has("package-lock.json", "npm-shrinkwrap.json")
    verb = "ci" if lock else "install"
    return _Manager(
        "npm", f'npm {verb} --cache "$WERCKER_CACHE_DIR/npm"', lock or "no lock file is here"
    )


def _yarn(sight: Sight) -> str:
    if sight.has(".yarnrc.yml"):
        return (
            'export YARN_CACHE_FOLDER="$WERCKER_CACHE_DIR/yarn"\n'
            "corepack enable\nyarn install --immutable"
        )
    frozen = " --frozen-lockfile" if sight.has("yarn.lock") else ""
    return f'yarn install --cache-folder "$WERCKER_CACHE_DIR/yarn"{frozen}'


def _scripts(package: dict[str, Any], manager: _Manager) -> Iterator[Run]:
    scripts = inside(package, "scripts")
    for name in _SCRIPTS:
        code = scripts.get(name) if isinstance(scripts, dict) else None
        if isinstance(code, str) and _DEFAULT_TEST not in code:
            words = "npm test" if (manager.name, name) == ("npm", "test") else ""
            yield Run(name, words or f"{manager.name} run {name}", "package.json, scripts")


def _output(package: dict[str, Any], libraries: list[str]) -> Iterator[Run]:
    folder = next((_OUTPUTS[name] for name in libraries if name in _OUTPUTS), "")
    if folder and "build" in inside(package, "scripts"):
        yield Run("keep", f'cp -R {folder}/. "$WERCKER_OUTPUT_DIR"', "what was built is the output")
