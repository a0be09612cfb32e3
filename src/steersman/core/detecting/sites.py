"""Static sites: Hugo, Jekyll, MkDocs, and plain pages."""

from __future__ import annotations

from steersman.core.detecting.base import Run, Sight, Stack
from steersman.core.detecting.ruby import bundled

READ = ("Gemfile",)
HUGO = ("hugo.toml", "hugo.yaml", "hugo.json")
OLD_HUGO = ("config.toml", "config.yaml", "config.yml")
SIGNS = (*HUGO, *OLD_HUGO, "_config.yml", "mkdocs.yml", "index.html", "public/index.html")


def detect(sight: Sight) -> Stack | None:
    """Return what a static site needs here."""
    return _hugo(sight) or _jekyll(sight) or _mkdocs(sight) or _plain(sight)


def _hugo(sight: Sight) -> Stack | None:
    has_parts = bool(sight.matching(r"(?:archetypes|layouts|themes)/.*")) or sight.has(
        ".gitmodules"
    )
    sign = sight.has(*HUGO) or (sight.has(*OLD_HUGO) if has_parts else "")
    if not sign or not sight.matching(r"content/.*"):
        return None
    install = (
        "apt-get update && apt-get install -y --no-install-recommends ca-certificates git hugo"
    )
    return Stack(
        key="site",
        title="a site of Hugo",
        because=sign,
        image="debian:bookworm-slim",
        image_because="it has a package of Hugo",
        runs=(
            Run("install", install, "Hugo comes from the distribution"),
            Run("build", 'hugo --minify --destination "$WERCKER_OUTPUT_DIR"', sign),
        ),
    )


def _jekyll(sight: Sight) -> Stack | None:
    if not sight.has("_config.yml"):
        return None
    if sight.has("Gemfile"):
        install = bundled(sight)
        command = "bundle exec jekyll"
    elif sight.matching(r"(?:_posts|_layouts|_includes)/.*") or sight.has("index.md"):
        install = Run("install", "gem install --no-document jekyll", "there is no Gemfile")
        command = "jekyll"
    else:
        return None
    return Stack(
        key="site",
        title="a site of Jekyll",
        because="_config.yml",
        image="ruby:3.3",
        image_because="Jekyll is written in Ruby",
        runs=(
            install,
            Run("build", f'{command} build --destination "$WERCKER_OUTPUT_DIR"', "_config.yml"),
        ),
    )


def _mkdocs(sight: Sight) -> Stack | None:
    if not sight.has("mkdocs.yml"):
        return None
    wanted = "-r requirements.txt" if sight.has("requirements.txt") else "mkdocs"
    code = f'pip install --cache-dir "$WERCKER_CACHE_DIR/pip" {wanted}'
    return Stack(
        key="site",
        title="a site of MkDocs",
        because="mkdocs.yml",
        image="python:3.12",
        image_because="MkDocs is written in Python",
        runs=(
            Run("install", code, sight.has("requirements.txt") or "there is no requirements.txt"),
            Run("build", 'mkdocs build --strict --site-dir "$WERCKER_OUTPUT_DIR"', "mkdocs.yml"),
        ),
    )


def _plain(sight: Sight) -> Stack | None:
    page = sight.has("index.html", "public/index.html")
    if not page:
        return None
    folder = page.rpartition("index.html")[0] or "./"
    code = (
        f'cp -R {folder}. "$WERCKER_OUTPUT_DIR"\n'
        'rm -rf "$WERCKER_OUTPUT_DIR/.git"\n'
        'test -s "$WERCKER_OUTPUT_DIR/index.html"'
    )
    return Stack(
        key="site",
        title="a site of plain pages",
        because=page,
        image="busybox",
        image_because="nothing is to be built",
        runs=(Run("keep", code, page),),
    )
