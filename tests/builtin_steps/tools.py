"""Cases of the steps that build, look at files, write files or fetch programs."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

from tests.builtin_steps.cases import DEBIAN, HOST, Case, missing

# Stands in for curl where files are fetched: each is looked for by its name among the case's files.
FETCHES = (
    'for word in "$@"; do url=$word; done\n'
    'while [ "$1" != --output ]; do shift; done\n'
    'cp "$CASE/source/${url##*/}" "$2" || exit 22'
)
PROGRAM = b'#!/bin/sh\necho "fetched: $*"\n'


def _tarball(name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(PROGRAM), 0o755
        tar.addfile(info, io.BytesIO(PROGRAM))
    return gzip.compress(out.getvalue())


MAVEN, HUGO = _tarball("apache-maven-3.9.1/bin/mvn"), _tarball("hugo")
KUBECTL_SUM = hashlib.sha256(PROGRAM).hexdigest()
HUGOS = ("hugo_0.50_Linux-64bit.tar.gz", "hugo_0.50_Linux-ARM64.tar.gz")
HUGO_SUMS = "".join(f"{hashlib.sha256(HUGO).hexdigest()}  {name}\n" for name in HUGOS)

APT = "$CASE/cache/install-packages/SYSTEM"

JAVA = [
    Case(
        "hands its options on",
        "wercker/maven",
        {
            "goals": "clean package",
            "profiles": "ci,fast",
            "maven_opts": "-Xmx1g",
            "cache_repo": "true",
            "settings": "s.xml",
            "pom": "p.xml",
            "debug": "true",
        },
        programs={"mvn": 'echo "opts: $MAVEN_OPTS"'},
        says=("opts: -Xmx1g",),
        calls=(
            (
                "mvn [--debug] [-Dmaven.repo.local=$CASE/cache/.m2] [--settings] [s.xml]"
                " [--activate-profiles] [ci,fast] [--file] [p.xml] [--batch-mode] [clean] [package]"
            ),
        ),
    ),
    Case(
        "takes the wrapper of the project",
        "maven",
        {"goals": "test"},
        files={"mvnw": 'echo "mvnw: $*"'},
        says=("mvnw: --batch-mode test",),
    ),
    Case(
        "fetches a version, for later steps too",
        "maven",
        {"goals": "verify", "version": "3.9.1"},
        files={
            "apache-maven-3.9.1-bin.tar.gz": MAVEN,
            "apache-maven-3.9.1-bin.tar.gz.sha512": hashlib.sha512(MAVEN).hexdigest(),
        },
        programs={"curl": FETCHES},
        real=("gzip",),
        then="mvn later",
        says=("fetched: --batch-mode verify", "fetched: later"),
    ),
    Case(
        "refuses a download that is damaged",
        "maven",
        {"goals": "verify", "version": "3.9.1"},
        files={
            "apache-maven-3.9.1-bin.tar.gz": b"spoilt",
            "apache-maven-3.9.1-bin.tar.gz.sha512": hashlib.sha512(MAVEN).hexdigest(),
        },
        programs={"curl": FETCHES},
        ends=1,
        says=("its checksum differs",),
    ),
    Case(
        "refuses what is no version",
        "maven",
        {"goals": "verify", "version": "../../x"},
        programs={"curl": ""},
        ends=1,
        calls=(),
        says=("is no version",),
    ),
    missing("maven", "mvn", "maven:3", goals="test"),
    Case(
        "hands its options on",
        "gradle",
        {
            "task": "clean build",
            "build_file": "b.gradle",
            "init_script": "i.gradle",
            "system_props": "a=1 -Db=2",
            "gradle_opts": "-Xmx1g",
            "cache_project_cache": "true",
        },
        programs={"gradle": 'echo "opts $GRADLE_OPTS, home ${GRADLE_USER_HOME#$CASE}"'},
        says=("opts -Xmx1g, home /cache/gradle",),
        calls=(
            (
                "gradle [--no-daemon] [--build-file] [b.gradle] [--init-script] [i.gradle]"
                " [--project-cache-dir] [$CASE/cache/gradle-project] [-Da=1] [-Db=2]"
                " [clean] [build]"
            ),
        ),
    ),
    Case(
        "takes the wrapper of the project",
        "gradle",
        {"task": "test"},
        files={"gradlew": 'echo "gradlew: $*"'},
        says=("gradlew: --no-daemon test",),
    ),
    Case(
        "fetches a version",
        "gradle",
        {"task": "test", "version": "8.1"},
        files={
            "gradle-8.1-bin.zip": "zip",
            "gradle-8.1-bin.zip.sha256": hashlib.sha256(b"zip").hexdigest(),
        },
        programs={
            "curl": FETCHES,
            "unzip": 'mkdir -p "$5/gradle-8.1/bin"; g="$5/gradle-8.1/bin/gradle"\n'
            'printf "#!/bin/sh\\necho fetched: \\$*\\n" >"$g"; chmod +x "$g"',
        },
        places=(HOST, DEBIAN),
        says=("fetched: --no-daemon test",),
    ),
    missing("gradle", "gradle", "gradle:8", task="test"),
]
FILES = [
    Case(
        "writes what is said, and shows nothing of it",
        "create-file",
        {
            "filename": "etc/app/my file",
            "content": "one\\ntwo 100% $HOUSE",
            "hide-from-log": "true",
        },
        env={"HOUSE": "tok-3cret"},
        secrets=("tok-3cret",),
        holds={"source/etc/app/my file": "one\ntwo 100% tok-3cret\n"},
    ),
    Case(
        "does not overwrite unasked",
        "create-file",
        {"filename": "a", "content": "new"},
        files={"a": "old"},
        ends=1,
        says=("a is there already; write `overwrite: true`",),
        holds={"source/a": "old"},
    ),
    Case(
        "overwrites when asked to",
        "create-file",
        {"filename": "a", "content": "new", "overwrite": "true"},
        files={"a": "old"},
        holds={"source/a": "new\n"},
    ),
    Case(
        "names a file for later steps",
        "mktemp",
        {"envvar": "KEY_FILE"},
        then='test -f "$KEY_FILE" && echo "a file"',
        says=("a file",),
    ),
    Case(
        "names a folder for later steps",
        "mktemp",
        {"envvar": "PLACE", "directory": "true"},
        then='test -d "$PLACE" && echo "a folder"',
        says=("a folder",),
    ),
    Case(
        "refuses what is no name",
        "mktemp",
        {"envvar": "A;echo broken"},
        ends=1,
        says=("cannot be the name of a variable",),
    ),
    Case(
        "fills every template",
        "bash-template",
        files={
            "app.template.json": '{"v": "$VERSION", "price": "\\$5", "none": "${NOT_THERE}"}\n',
            "x.conf.template": "${VERSION}-$(echo ran)\n",
        },
        before="VERSION=1.2",
        holds={
            "source/app.json": '{"v": "1.2", "price": "$5", "none": ""}\n',
            "source/x.conf": "1.2-ran\n",
        },
    ),
    Case(
        "writes into a folder",
        "bash-template",
        {"input": "in/*.template", "output": "out"},
        files={"in/a.yml.template": "v: $WERCKER_GIT_BRANCH\n", "out/b": ""},
        holds={"source/out/a.yml": "v: main\n"},
    ),
    Case(
        "writes a file",
        "bash-template",
        {"input": "plain.txt", "output": "filled.txt"},
        files={"plain.txt": "on $WERCKER_GIT_BRANCH\n"},
        holds={"source/filled.txt": "on main\n"},
    ),
    Case("says that nothing matches", "bash-template", ends=1, says=("no file matches",)),
    Case(
        "fills variables in, and runs nothing",
        "appnific/expandenv@0.1.3",
        {"input_file": "in", "output_file": "out"},
        env={"VERSION": "1&2\\3"},
        files={"in": "$VERSION ${VERSION}x $(echo no) $5 ${NOT_THERE}. $\n"},
        holds={"source/out": "1&2\\3 1&2\\3x $(echo no) $5 . $\n"},
    ),
    Case(
        "says which file is not there",
        "expandenv",
        {"input_file": "in", "output_file": "out"},
        ends=1,
        says=("there is no file in",),
    ),
    Case(
        "points at the service",
        "rails-database-yml",
        env={"POSTGRES_PORT_5432_TCP_ADDR": "10.0.0.7", "POSTGRES_ENV_POSTGRES_PASSWORD": 'a"b: #'},
        holds={
            "source/config/database.yml": "test:\n  adapter: postgresql\n  encoding: utf8\n"
            '  host: "10.0.0.7"\n  port: 5432\n  username: "postgres"\n  password: "a\\"b: #"\n'
            '  database: "postgres"\n  min_messages: warning\n'
        },
    ),
    Case(
        "points at what is named",
        "rails-database-yml",
        {"service": "mysql2"},
        env={"MYSQL_ENV_MYSQL_ROOT_PASSWORD": "pw-3cret"},
        holds={
            "source/config/database.yml": "test:\n  adapter: mysql2\n  encoding: utf8\n"
            '  host: "mysql"\n  port: 3306\n  username: "root"\n  password: "pw-3cret"\n'
            '  database: "test"\n'
        },
        secrets=("pw-3cret",),
    ),
    Case("asks for a service", "rails-database-yml", ends=1, says=("below `services`",)),
    Case(
        "finds a step",
        "wercker/validate-wercker-step@0.0.3",
        files={"step.yml": "name: x\nversion: 1.0.0\n", "run.sh": ""},
        says=("step.yml is there",),
    ),
    Case(
        "says what a step lacks",
        "validate-wercker-step",
        files={"wercker-step.yml": "name: x\nversion:\n", "run.sh": ""},
        ends=1,
        says=("wercker-step.yml has no version",),
    ),
]
CHECKERS = [
    Case(
        "looks at what matches",
        "shellcheck",
        {"files": "*.sh,bin/*,none.*", "separator": ",", "exclude": "SC1,SC2", "shell": "dash"},
        files={"a.sh": "", "b c.sh": "", "bin/run": ""},
        programs={"shellcheck": ""},
        calls=("shellcheck [--exclude=SC1,SC2] [--shell=dash] [a.sh] [b c.sh] [bin/run]",),
        says=("nothing in 3 files",),
    ),
    Case(
        "fails for mistakes",
        "shellcheck",
        files={"a.sh": ""},
        programs={"shellcheck": "exit 1"},
        ends=1,
        says=("shellcheck found mistakes",),
    ),
    missing("shellcheck", "shellcheck", "install-packages"),
    Case(
        "asks apt for its lists once, and keeps what it fetched",
        "install-packages",
        {"packages": "git\ncurl=7.* "},
        programs={"apt-get": ""},
        then='. "$WERCKER_STEP_ROOT/run.sh"',
        calls=tuple(
            "apt-get [--quiet] [--yes] [-o] [Dpkg::Use-Pty=0] [-o] [Acquire::GzipIndexes=true]"
            f" [-o] [Dir::State::Lists={APT}/lists] [-o] [Dir::Cache::Archives={APT}/archives]"
            f" {words}"
            for words in (
                "[update]",
                "[install] [git] [curl=7.*]",
                "[autoclean]",
                "[install] [git] [curl=7.*]",
                "[autoclean]",
            )
        ),
    ),
    Case(
        "asks for the lists again when they did not help",
        "install-packages",
        {"packages": "git"},
        programs={
            "apt-get": 'case "$*" in *install*) test "$(grep -c update "$CASE/calls")" = 2;; esac'
        },
        places=(HOST, DEBIAN),
        says=("try 2 of 3",),
    ),
    Case(
        "takes the other package managers",
        "install-packages",
        {"packages": "git"},
        programs={"apk": ""},
        calls=("apk [add] [--no-cache] [git]",),
    ),
    Case(
        "fails as they do",
        "install-packages",
        {"packages": "git"},
        programs={"dnf": "exit 4"},
        places=(HOST, DEBIAN),
        ends=1,
        calls=("dnf [install] [--assumeyes] [git]",) * 3,
        says=("could not be installed: git",),
    ),
    Case(
        "without a package manager",
        "install-packages",
        {"packages": "git"},
        ends=1,
        says=("no package manager",),
    ),
]
SITES = [
    Case(
        "builds with the box's Hugo",
        "arjen/hugo-build@1.10.0",
        {"version": "0.140.2", "flags": "--minify -D", "theme": "t", "basedir": "site"},
        files={"site/public/old": ""},
        programs={"hugo": 'case $1 in version) echo "hugo v0.140.2-abc linux/amd64";; esac'},
        then='test ! -e site/public && echo "public is gone"',
        calls=("hugo [version]", "hugo [--source] [site] [--theme=t] [--minify] [-D]"),
        says=("public is gone",),
    ),
    Case(
        "has other flags for other branches",
        "hugo-build",
        {
            "flags": "--a",
            "dev_flags": "--b",
            "prod_branches": "master live",
            "clean_before": "false",
        },
        files={"public/old": "kept"},
        programs={"hugo": ""},
        calls=("hugo [--source] [.] [--b]",),
        holds={"source/public/old": "kept"},
    ),
    Case(
        "fetches the version that the box has not",
        "hugo-build",
        {"version": "0.50"},
        files={**dict.fromkeys(HUGOS, HUGO), "hugo_0.50_checksums.txt": HUGO_SUMS},
        programs={"hugo": 'echo "hugo v0.140.2-abc"', "curl": FETCHES},
        real=("gzip",),
        says=("fetching Hugo 0.50", "fetched: --source ."),
    ),
    Case(
        "says which versions cannot be had",
        "hugo-build",
        {"version": "0.15"},
        ends=1,
        says=("0.20 is the oldest",),
    ),
    missing("hugo-build", "curl or python3", "install curl"),
]
CASES = [*JAVA, *FILES, *CHECKERS, *SITES]
