"""Cases of the steps for Node and Ruby."""

from __future__ import annotations

from tests.builtin_steps.cases import DEBIAN, HOST, Case, missing

FAILS_TWICE = 'test "$(grep -c "^{0} " "$CASE/calls")" -gt 2'


NODE = [
    Case(
        "installs with the words of options, and keeps npm's cache",
        "npm-install",
        {"options": "--production --silent"},
        programs={"npm": 'echo "cache: ${npm_config_cache#$CASE}"'},
        calls=("npm [install] [--production] [--silent]",),
        says=("cache: /cache/wercker/npm",),
    ),
    Case(
        "uses no cache when told so",
        "npm-install",
        {"use-cache": "false"},
        programs={"npm": 'echo "cache: <${npm_config_cache-}>"'},
        says=("cache: <>",),
    ),
    Case(
        "tries three times, with an emptied cache",
        "npm-install",
        {"options": "*.js"},
        files={"a.js": ""},
        programs={
            "npm": 'mkdir "$npm_config_cache/_cacache" || exit 9; ' + FAILS_TWICE.format("npm")
        },
        places=(HOST, DEBIAN),
        calls=("npm [install] [*.js]",) * 3,
        says=("try 2 of 3", "emptying the cache"),
    ),
    Case(
        "fails after the third try",
        "wercker/npm-install@1.1.4",
        programs={"npm": "exit 7"},
        places=(HOST, DEBIAN),
        ends=1,
        calls=("npm [install]",) * 3,
        says=("exit code 7", "npm install failed"),
        holds={"report/message.txt": "npm install failed, three times\n"},
    ),
    missing("npm-install", "npm", "node:20"),
    Case("runs the tests", "npm-test", programs={"npm": ""}, calls=("npm [test]",)),
    Case("fails as the tests do", "npm-test", programs={"npm": "exit 3"}, ends=3),
    missing("npm-test", "npm", "node:20"),
    Case(
        "installs with a kept cache",
        "bashaus/yarn-install",
        {"options": "--frozen-lockfile"},
        programs={"yarn": 'echo "cache: ${YARN_CACHE_FOLDER#$CASE}"'},
        calls=("yarn [install] [--frozen-lockfile]",),
        says=("cache: /cache/yarn",),
    ),
    missing("yarn", "yarn", "node:20"),
    Case(
        "takes bower of the project",
        "hgen/bower-install@0.5.7",
        {"options": "--production"},
        files={"node_modules/.bin/bower": '#!/bin/sh\necho "bower: $*" | sed s/--allow-root.//\n'},
        says=("bower: install --config.interactive=false --production",),
    ),
    missing("bower-install", "bower", "package.json"),
    Case(
        "runs the tasks",
        "hgen/gulp",
        {"tasks": "lint build"},
        programs={"gulp": ""},
        calls=("gulp [lint] [build]",),
    ),
    missing("gulp", "gulp", "package.json"),
    Case(
        "runs the tasks with what is asked for",
        "grunt",
        {"tasks": "lint build", "gruntfile": "my grunt.js", "debug": "true", "verbose": "false"},
        programs={"grunt": ""},
        calls=("grunt [--gruntfile] [my grunt.js] [--debug] [lint] [build]",),
    ),
    missing("grunt", "grunt", "package.json"),
    Case(
        "leaves out what was installed",
        "jshint",
        {"version": "2.0.0", "files": "*.js lib"},
        files={"a.js": "", "b.js": ""},
        programs={"jshint": ""},
        calls=("jshint [--exclude] [node_modules] [a.js] [b.js] [lib]",),
    ),
    missing("jshint", "jshint", "package.json"),
]
BUNDLE = 'echo "path ${BUNDLE_PATH#$CASE} without ${BUNDLE_WITHOUT-} frozen ${BUNDLE_FROZEN-}"'
RUBY = [
    Case(
        "keeps the gems in the cache, for later steps too",
        "bundle-install",
        {"without": "development production", "jobs": "4"},
        files={"Gemfile": ""},
        programs={"bundle": BUNDLE},
        then='echo "later: ${BUNDLE_PATH#$CASE} $BUNDLE_JOBS"',
        calls=("bundle [install]",),
        says=(
            "path /cache/bundle-install without development:production frozen",
            "later: /cache/bundle-install 4",
        ),
    ),
    Case(
        "hands its options on",
        "wercker/bundle-install@1.1.1",
        {
            "path": "vendor",
            "local": "true",
            "full-index": "true",
            "standalone": "true",
            "binstubs": "true",
            "frozen": "true",
            "deployment": "true",
            "clean": "true",
        },
        files={"Gemfile": ""},
        programs={"bundle": BUNDLE},
        then='echo "$BUNDLE_DEPLOYMENT $BUNDLE_CLEAN"',
        calls=(
            "bundle [install] [--local] [--full-index] [--standalone]",
            "bundle [binstubs] [--all] [--path] [bin]",
        ),
        says=("path vendor without  frozen true", "true true"),
    ),
    Case(
        "passes where there is no Gemfile",
        "bundle-install",
        programs={"bundle": ""},
        calls=(),
        says=("there is no Gemfile",),
    ),
    Case(
        "installs bundler where it is missing",
        "bundle-install",
        files={"Gemfile": ""},
        programs={"gem": 'cp "$0" "${0%gem}bundle"', "rbenv": ""},
        says=("bundler is not in this box",),
        calls=("gem [install] [bundler] [--no-document]", "gem [install]", "rbenv [rehash]"),
    ),
    Case(
        "fails as Bundler does",
        "bundle-install",
        files={"Gemfile": ""},
        programs={"bundle": "exit 5"},
        ends=5,
    ),
    missing("bundle-install", "gem", "ruby:3")._replace(files={"Gemfile": ""}),
    Case(
        "is content with the Ruby that the box has",
        "rvm-use",
        {"version": "2.7"},
        programs={"ruby": "printf 2.7.8"},
        says=("this box has Ruby 2.7.8",),
    ),
    Case(
        "names the box that has the Ruby",
        "rvm-use",
        {"version": "ruby-2.2.0"},
        programs={"ruby": "printf 3.3.0"},
        ends=1,
        says=("this box has Ruby 3.3.0 and no RVM: use the box ruby:2.2.0",),
    ),
    Case(
        "uses RVM in the shell of the steps, where it is",
        "rvm-use",
        {"version": "2.2.0"},
        before='rvm() { echo "rvm: $*"; steer_ruby=$2; }',
        then='echo "now $steer_ruby"',
        says=("rvm: use 2.2.0", "now 2.2.0"),
    ),
    missing("rvm-use", "ruby", "ruby:2.7", version="2.7"),
    Case(
        "runs the tasks",
        "cap",
        {"stage": "production"},
        programs={"bundle": ""},
        calls=("bundle [exec] [cap] [production] [deploy]",),
    ),
    missing("cap", "bundle", "bundle-install"),
    Case(
        "packs the gems",
        "bundle-package",
        programs={"bundle": ""},
        calls=("bundle [cache] [--all]",),
    ),
    missing("bundle-package", "bundle", "ruby:3"),
]
CASES = [*NODE, *RUBY]
