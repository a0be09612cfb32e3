"""Cases of the steps that install what a language needs, and build with it."""

from __future__ import annotations

import io
import zipfile

from tests.builtin_steps.cases import DEBIAN, HOST, PYTHON, Case, missing

FAILS_TWICE = 'test "$(grep -c "^{0} " "$CASE/calls")" -gt 2'


def _wheel() -> bytes:
    out = io.BytesIO()
    info = "hello_steersman-1.0.dist-info"
    with zipfile.ZipFile(out, "w") as wheel:
        wheel.writestr("hello_steersman.py", "print('hello from a wheel')\n")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: hello-steersman\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{info}/RECORD", "")
    return out.getvalue()


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
]
PIPS = [
    Case(
        "installs requirements and packages, with pip's cache kept",
        "pip-install",
        {"packages_list": "nose flake8", "clean_wheel_dir": "true"},
        files={"requirements.txt": ""},
        programs={"pip": 'echo "cache: ${PIP_CACHE_DIR#$CASE}"', "sudo": '"$@"'},
        says=("cache: /cache/pip",),
        calls=("pip [install] [-r] [requirements.txt] [nose] [flake8]",),
        env={"VIRTUAL_ENV": "/somewhere"},
    ),
    Case(
        "takes another file and another pip",
        "pip-install",
        {"requirements_file": "dev.txt", "pip_command": "pip9", "extra_args": "-q --pre"},
        files={"dev.txt": ""},
        programs={"pip9": ""},
        calls=("pip9 [install] [-q] [--pre] [-r] [dev.txt]",),
        env={"VIRTUAL_ENV": "/somewhere"},
    ),
    Case(
        "says which file is not there",
        "pip-install",
        {"requirements_file": "none.txt"},
        programs={"pip": ""},
        ends=1,
        says=("there is no file none.txt",),
        calls=(),
    ),
    Case(
        "really installs, and later steps have it",
        "pip-install",
        {"packages_list": "./hello_steersman-1.0-py3-none-any.whl", "extra_args": "--no-index -q"},
        files={"hello_steersman-1.0-py3-none-any.whl": _wheel()},
        real=("pip", "python3"),
        then="python3 -m hello_steersman",
        places=(PYTHON,),
        says=("hello from a wheel",),
    ),
    missing("pip-install", "pip3", "python:3.11"),
    Case(
        "really makes one, for later steps",
        "virtualenv",
        real=("python3",),
        then='python -c "import sys; print(sys.prefix != sys.base_prefix)"',
        places=(PYTHON,),
        says=("True", "is active"),
    ),
    Case(
        "does with virtualenv where Python has no venv",
        "virtualenv",
        {"virtualenv_location": "my venv", "python_location": "python9"},
        programs={
            "python9": "exit 1",
            "virtualenv": 'mkdir -p "$4/bin"; echo "VIRTUAL_ENV=mine" >"$4/bin/activate"',
        },
        then='echo "in $VIRTUAL_ENV"',
        calls=(
            "python9 [-m] [venv] [my venv]",
            "virtualenv [--quiet] [--python] [python9] [my venv]",
        ),
        says=("in mine",),
    ),
    missing("virtualenv", "python", "python:3.11"),
]
GO = [
    Case(
        "puts the source where Go looks for it",
        "setup-go-workspace",
        before='export GOPATH="$CASE/go:/elsewhere"',
        files={"main.go": ""},
        then='cd "$WERCKER_SOURCE_DIR" && echo "${PWD#$CASE} $GO111MODULE" && ls',
        says=("/go/src/github.com/acme/shop auto", "main.go"),
    ),
    Case(
        "asks go, and takes the folder that is given",
        "setup-go-workspace",
        {"package-dir": "example.org/x"},
        files={"go.mod": ""},
        programs={"go": 'echo "$CASE/gopath"'},
        then='echo "${WERCKER_SOURCE_DIR#$CASE} <${GO111MODULE-}>"',
        calls=("go [env] [GOPATH]",),
        says=("/gopath/src/example.org/x <>",),
    ),
    Case(
        "leaves a base-path alone that is the right one",
        "setup-go-workspace",
        before='export GOPATH="$CASE/go" WERCKER_SOURCE_DIR="$CASE/go/src/github.com/acme/shop"\n'
        'mkdir -p "$WERCKER_SOURCE_DIR"',
        says=("already (base-path)",),
    ),
    missing("setup-go-workspace", "GOPATH or go", "golang:1.22"),
    Case(
        "counts what is not excluded",
        "golint",
        {"exclude": "comment"},
        programs={"golint": "for n in 1 2 3 4 5; do echo bad $n; echo no comment; done"},
        calls=("golint [./...]",),
        says=("golint complains 5 times", "bad 5"),
        holds={"report/message.txt": "golint complains 5 times\n"},
    ),
    Case(
        "fails when there is too much",
        "wercker/golint",
        {"threshold-fail": "3"},
        programs={"golint": "for n in 1 2 3; do echo bad; done"},
        ends=1,
        says=("golint complains 3 times; 3 are too many",),
    ),
    Case(
        "installs golint where it is missing",
        "golint",
        programs={
            "go": 'mkdir -p "$GOBIN"; cd "$GOBIN"; echo "#!/bin/sh" >golint; chmod +x golint'
        },
        calls=("go [install] [golang.org/x/lint/golint@latest]",),
        says=("golint complains 0 times",),
    ),
    missing("golint", "go", "golang:1.22"),
    Case(
        "tells the token by a variable",
        "tcnksm/goveralls",
        {"token": "tok-3cret"},
        programs={"goveralls": 'test "$COVERALLS_TOKEN" = tok-3cret && echo had it'},
        calls=("goveralls [-service=steersman]",),
        says=("had it",),
        secrets=("tok-3cret",),
    ),
    missing("goveralls", "go", "golang:1.22", token="x"),
    Case(
        "installs with a kept home",
        "glide-install",
        programs={"glide": 'echo "${GLIDE_HOME#$CASE}"'},
        calls=("glide [--no-color] [install]",),
        says=("/cache/glide",),
    ),
    missing("glide-install", "glide", "go mod init"),
]
CASES = [*NODE, *RUBY, *PIPS, *GO]
