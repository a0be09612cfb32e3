"""PHP: Composer and PHPUnit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from steersman.core.detecting.base import Run, Sight, Stack, inside, json_map, number

READ = ("composer.json",)
SIGNS = ("composer.json",)
_NEWEST = "8.3"
_INSTALL = """\
apt-get update && apt-get install -y --no-install-recommends git unzip
curl -fsSL https://getcomposer.org/download/latest-stable/composer.phar -o /usr/local/bin/composer
export COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_CACHE_DIR="$WERCKER_CACHE_DIR/composer"
php /usr/local/bin/composer install --no-interaction --prefer-dist"""


def detect(sight: Sight) -> Stack | None:
    """Return what PHP needs here."""
    if not sight.has("composer.json"):
        return None
    package = json_map(sight.text("composer.json"))
    version, why = _version(package)
    return Stack(
        key="php",
        title="PHP",
        because="composer.json",
        image=f"php:{version}-cli",
        image_because=why,
        runs=(
            Run("install", _INSTALL, sight.has("composer.lock") or "composer.json"),
            *_tests(sight, package),
        ),
    )


def _version(package: dict[str, Any]) -> tuple[str, str]:
    """Return a recent version that fits: `^7.4` ends before 8, `>=7.4` does not."""
    wanted = inside(package, "require", "php")
    if not isinstance(wanted, str) or not (named := re.findall(r"\d+\.\d+", wanted)):
        return _NEWEST, "nothing names a version"
    highest = max(named, key=number)
    is_open = wanted.lstrip().startswith(">") and "<" not in wanted
    if is_open or number(highest)[0] == number(_NEWEST)[0]:
        highest = max(highest, _NEWEST, key=number)
    return highest, f"composer.json asks for {wanted}"


def _tests(sight: Sight, package: dict[str, Any]) -> Iterator[Run]:
    if "test" in inside(package, "scripts"):
        yield Run("test", "php /usr/local/bin/composer test", "composer.json, scripts")
    elif file := sight.has("phpunit.xml", "phpunit.xml.dist"):
        yield Run("test", "vendor/bin/phpunit", file)
    else:
        code = "find . -name '*.php' -not -path './vendor/*' -print0 | xargs -0 -n1 php -l"
        yield Run("lint", code, "no tests are here")
