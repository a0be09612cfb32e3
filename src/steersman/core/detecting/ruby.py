"""Ruby: Bundler, and Rails, RSpec, Rake or Minitest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from steersman.core.detecting.base import Run, Sight, Stack, found
from steersman.core.detecting.services import needed

READ = ("Gemfile", "Gemfile.lock", ".ruby-version", "Rakefile")
SIGNS = ("Gemfile",)
_NEWEST = "3.3"


def detect(sight: Sight) -> Stack | None:
    """Return what Ruby needs here; a site of Jekyll is left to `sites`."""
    if not sight.has("Gemfile"):
        return None
    gems = re.findall(r"^\s*gem\s+['\"]([\w-]+)['\"]", sight.text("Gemfile"), re.MULTILINE)
    if sight.has("_config.yml") and not {"jekyll", "github-pages"}.isdisjoint(gems):
        return None
    version, why = _version(sight)
    return Stack(
        key="ruby",
        title="Ruby on Rails" if "rails" in gems else "Ruby",
        because="Gemfile",
        image=f"ruby:{version}",
        image_because=why,
        runs=(bundled(sight), *_lint(sight, gems), *_tests(sight, gems)),
        services=needed(gems, "Gemfile"),
    )


def _version(sight: Sight) -> tuple[str, str]:
    if named := found(r"^(?:ruby-)?(\d+\.\d+(?:\.\d+)?)", sight.text(".ruby-version")):
        return named, ".ruby-version names it"
    if named := found(r"^\s*ruby\s+['\"][~>= ]*(\d+\.\d+(?:\.\d+)?)", sight.text("Gemfile")):
        return named, "the Gemfile names it"
    return _NEWEST, "nothing names a version"


def bundled(sight: Sight) -> Run:
    """Return how the gems are installed, and kept for the next run."""
    code = 'bundle config set --local path "$WERCKER_CACHE_DIR/bundle"\nbundle install --jobs 4'
    return Run("install", code, sight.has("Gemfile.lock") or "Gemfile")


def _lint(sight: Sight, gems: list[str]) -> Iterator[Run]:
    if sight.has(".rubocop.yml") and any(gem.startswith("rubocop") for gem in gems):
        yield Run("lint", "bundle exec rubocop", ".rubocop.yml")


def _tests(sight: Sight, gems: list[str]) -> Iterator[Run]:
    is_rails = "rails" in gems
    if is_rails and sight.matching(r"db/(?:schema\.rb|structure\.sql|migrate/.*\.rb)"):
        code = "export RAILS_ENV=test\nbundle exec rake db:create db:schema:load"
        yield Run("database", code, sight.matching(r"db/(?:schema\.rb|structure\.sql)") or "db/")
    if sight.matching(r"spec/.*_spec\.rb") or sight.has(".rspec"):
        yield Run("test", "bundle exec rspec", sight.matching(r"spec/.*_spec\.rb") or ".rspec")
    elif is_rails and sight.matching(r"test/.*\.rb"):
        yield Run("test", "bundle exec rails test", sight.matching(r"test/.*\.rb"))
    elif sight.has("Rakefile"):
        yield Run("test", "bundle exec rake", "Rakefile")
    elif tests := sight.matching(r"test/.*test.*\.rb"):
        code = "find test -name '*test*.rb' -print0 | xargs -0 -n1 bundle exec ruby -Itest -Ilib"
        yield Run("test", code, tests)
