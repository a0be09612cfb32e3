"""Cases of the steps that build, check, install, or fetch programs."""

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
CASES = [*JAVA, *CHECKERS, *SITES]
