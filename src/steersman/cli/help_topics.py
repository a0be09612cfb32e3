"""The texts of `steer help TOPIC`: each fits on a screen, and names the page that says more."""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """A topic: a line for the list, the text, and the page of docs/ that says more."""

    about: str
    text: str
    page: str


TOPICS = {
    "start": Topic(
        "from nothing to a first run",
        """\
steer doctor      says whether pipelines can run here
steer init        writes a wercker.yml for the repository here, and why so
steer check       says what is wrong with it, with lines
steer build       runs the pipeline `build` on a copy of this folder, in containers

What a run keeps stands in .wercker/latest: the output of the pipeline, artifacts of steps.
`steer prune` removes what is old.""",
        "begin.md",
    ),
    "file": Topic(
        "how a pipeline file is written",
        """\
box: node:22              the image in which steps run
services: [redis:7]       containers beside it, each with its host name
build:                    a pipeline: any name will do
  steps:                  run one after the other, in one shell
    - npm-install         a step by its name
    - script:
        name: test
        code: npm test    shell code of your own
  after-steps: []         run at the end, whatever happened

The first of steersman.yml, ewok.yml, wercker.yml, .wercker.yml is read. `steer check` says what is
wrong with it, `steer schema` makes an editor know it.""",
        "language.md",
    ),
    "steps": Topic(
        "where steps come from, and how to write one",
        """\
script                     code of your own
wercker/NAME, NAME         built in: many steps that old files use
OWNER/NAME@1.2             from --step-registry: a folder, an address, or `server`;
                           1.2, ~1.2, ^1.2.3, 1.x and * take the newest that fits
NAME "file://DIR"          a folder, read anew each time
NAME "https://.../x.tgz"   an archive, kept by its address; --refresh-steps fetches again

steer step create NAME     begins one: step.yml and run.sh
steer step check DIR       says what is wrong with it
steer step publish DIR --owner OWNER [--to FOLDER]""",
        "steps.md",
    ),
    "variables": Topic(
        "what steps find in their environment",
        """\
X_NAME=value               in your environment, the file ENVIRONMENT or --env: NAME in the box
XXX_NAME=value             the same, and its value is masked in all that is printed
--env NAME=value           any other
$WERCKER_SOURCE_DIR, $WERCKER_OUTPUT_DIR, $WERCKER_CACHE_DIR    where things stand
$WERCKER_GIT_BRANCH, $WERCKER_GIT_COMMIT and their like         what git says
$WERCKER_RESULT            in after-steps: passed or failed""",
        "build.md",
    ),
    "output": Topic(
        "output, artifacts and cache",
        """\
$WERCKER_OUTPUT_DIR        what stands there comes home to .wercker/latest/output, and is what
                           the next pipeline of a workflow begins with
$WERCKER_CACHE_DIR         comes back in the next run; 1000 MB at most
$WERCKER_REPORT_ARTIFACTS_DIR   of one step, kept with --artifacts""",
        "build.md",
    ),
    "services": Topic(
        "databases and their like beside the box",
        """\
services:
  - redis:7                               its host name is redis
  - id: postgres:16
    name: db                              its host name is db
    env: {POSTGRES_PASSWORD: test}

Steps begin when every service answers; --service-timeout bounds that. Old files find the variables
of Docker's links too: REDIS_PORT_6379_TCP_ADDR.""",
        "build.md",
    ),
    "where": Topic(
        "where steps run",
        """\
--on auto           containers of the engine that DOCKER_HOST or the usual sockets name; the host
                    itself where none is
--on containers     an engine, or an error
--on host           this machine, in a copy of the source: images are ignored
--on kubernetes     `steer run` only: a pod of the cluster that your kubeconfig names

`steer doctor` says what answers here.""",
        "build.md",
    ),
    "images": Topic(
        "pulling, logging in to registries, and staying offline",
        """\
--pull missing      pull what is not here (the default); always; never
username, password, registry    in a box or a service; $NAME of a hidden variable is filled in

What `docker login` stored in ~/.docker/config.json is used too.""",
        "language.md",
    ),
    "server": Topic(
        "pipelines on every push",
        """\
steer up                         server and worker on this machine
steer install                    the same on Kubernetes
steer login URL                  then everything below speaks to it
steer project add NAME URL       a repository
steer trigger NAME               a run; a webhook does it on every push
steer runs, show, watch, logs    what became of it
steer secret set NAME            values that only jobs see""",
        "platform.md",
    ),
    "exit-codes": Topic(
        "what the exit code of a command means",
        """\
0    it went well: the pipeline succeeded
1    the pipeline failed, and nothing else
2    your input: the file, a flag, a value
3    our side: the engine, an image, a service, the disk, a server
70   a bug of ours
130  interrupted, or nobody reads the output any more""",
        "build.md",
    ),
    "ignoring": Topic(
        "what of a project is not copied",
        """\
.werckerignore (or `ignore-file`, --ignore-file) holds one pattern a line:

node_modules/       folders of this name, at any depth
/tmp                only at the top
*.log               * and ? do not cross a /
!keep.log           accepted all the same

.wercker/ itself is never copied.""",
        "language.md",
    ),
    "migrating": Topic(
        "from Wercker",
        """\
Files written for Wercker are read as they were meant; `steer check` names what it dropped in
silence. Its registry of steps and its boxes (wercker/nodejs) are gone: many steps are built in,
and for boxes an image to use instead is named. Flags keep their names, also with one dash.""",
        "migrating.md",
    ),
}
