"""Cases of the steps that speak to clusters and buckets."""

from __future__ import annotations

from tests.builtin_steps.cases import Case, missing
from tests.builtin_steps.tools import KUBECTL_SUM, PROGRAM

CLUSTERS = [
    Case(
        "logs in by a file that goes with the step",
        "kubectl",
        {
            "server": "https://k8s",
            "token": "tok-3cret",
            "insecure-skip-tls-verify": "true",
            "command": "apply",
            "file": "a b.yml",
            "namespace": "shop",
            "replicas": "3",
        },
        programs={"kubectl": 'case $1 in --kubeconfig) cp "$2" "$CASE/config"; ls -l "$2";; esac'},
        then='ls "$CASE/tmp"',
        calls=(
            "kubectl [version] [--client]",
            (
                "kubectl [--kubeconfig] [$SCRATCH/config] [--namespace] [shop] [apply]"
                " [--filename=a b.yml] [--replicas=3]"
            ),
        ),
        secrets=("tok-3cret",),
        holds={
            "config": '{"apiVersion": "v1", "kind": "Config", "current-context": "step",\n'
            ' "clusters": [{"name": "step", "cluster": {"server": "https://k8s",'
            ' "insecure-skip-tls-verify": true}}],\n'
            ' "users": [{"name": "step", "user": {"username": "", "token": "tok-3cret"}}],\n'
            ' "contexts": [{"name": "step", "context": {"cluster": "step", "user": "step"}}]}\n'
        },
    ),
    Case(
        "reads a command as a shell does",
        "kubectl",
        {"command": "get pods -l 'a=b c'; echo second", "status-command": "rollout status"},
        programs={"kubectl": ""},
        calls=(
            "kubectl [version] [--client]",
            "kubectl [get] [pods] [-l] [a=b c]",
            "kubectl [rollout] [status]",
        ),
        says=("second",),
    ),
    Case(
        "fails as kubectl does",
        "kubectl",
        {"command": "get pods"},
        programs={"kubectl": '[ "$1" = version ] || exit 6'},
        ends=6,
    ),
    Case(
        "fetches kubectl where it is missing",
        "kubectl",
        {"command": "get pods", "raw-args": "-o wide"},
        files={
            "stable.txt": "v1.30.2",
            "kubectl": PROGRAM,
            "kubectl.sha256": KUBECTL_SUM,
        },
        programs={
            "curl": 'for word in "$@"; do url=$word; done\n'
            'while [ "$1" != --output ]; do shift; done\ncp "$CASE/source/${url##*/}" "$2"',
        },
        says=("fetching kubectl v1.30.2", "fetched: get pods -o wide"),
    ),
    Case(
        "asks for the server of a login",
        "kubectl",
        {"command": "get pods", "token": "tok-3cret"},
        programs={"kubectl": ""},
        ends=1,
        says=("there is a login but no server",),
        secrets=("tok-3cret",),
    ),
    missing("kubectl", "curl or python3", "install curl", command="get pods"),
]
BUCKET = {"bucket-url": "s3://b/c", "key-id": "AKIA", "key-secret": "tok-3cret"}
BUCKETS = [
    Case(
        "sends a folder by s3cmd, with the key in a file",
        "s3sync",
        {**BUCKET, "source_dir": "out", "delete-removed": "false"},
        files={"out/a": ""},
        programs={"s3cmd": 'cp "$3" "$CASE/config"'},
        calls=(
            (
                "s3cmd [sync] [--config] [$SCRATCH/s3cfg] [--no-progress] [--exclude] [.git/*]"
                " [--acl-public] [out/] [s3://b/c]"
            ),
        ),
        secrets=("tok-3cret",),
        holds={"config": "[default]\naccess_key = AKIA\nsecret_key = tok-3cret\n"},
    ),
    Case(
        "sends a folder by the AWS CLI, with the key in variables",
        "s3sync",
        {**BUCKET, "region": "eu-west-1"},
        programs={"aws": 'test "$AWS_SECRET_ACCESS_KEY" = tok-3cret && echo "$AWS_DEFAULT_REGION"'},
        calls=(
            (
                "aws [s3] [sync] [--no-progress] [--exclude] [.git/*] [--acl] [public-read]"
                " [--delete] [./] [s3://b/c]"
            ),
        ),
        says=("eu-west-1",),
        secrets=("tok-3cret",),
    ),
    Case(
        "says that a variable is not set",
        "s3sync",
        {**BUCKET, "key-secret": "$NOT_THERE"},
        programs={"s3cmd": ""},
        ends=1,
        says=("the property key-secret is empty",),
        calls=(),
    ),
    missing("s3sync", "aws", "install s3cmd or awscli")._replace(properties=BUCKET),
]
CASES = [*CLUSTERS, *BUCKETS]
