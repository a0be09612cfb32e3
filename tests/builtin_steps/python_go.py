"""Cases of the steps for Python and Go."""

from __future__ import annotations

import io
import zipfile

from tests.builtin_steps.cases import PYTHON, Case, missing


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
        {"python_location": "quick"},
        # Putting pip into it would take most of the time of all cases.
        programs={"quick": 'shift 2; exec python3 -m venv --without-pip "$@"'},
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
CASES = [*PIPS, *GO]
