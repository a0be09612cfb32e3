"""Cases of the steps that speak to servers: clusters, buckets, forges, chats, hosts."""

from __future__ import annotations

from tests.builtin_steps.cases import DEBIAN, HOST, PYTHON, Case, missing
from tests.builtin_steps.tools import KUBECTL_SUM, PROGRAM

# A server on the loopback: writes down what it is asked, and answers as it is told.
SERVER = """\
import http.server, json, os
class Answers(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(os.environ["CASE"] + "/asked", "ab") as file:
            login = self.headers["Authorization"]
            line = [self.path, self.headers["Content-Type"], login, body.decode()]
            file.write(json.dumps(line).encode() + b"\\n")
        self.send_response(int(os.environ.get("STATUS", "201")))
        self.end_headers()
        self.wfile.write(os.environ.get("ANSWER", "ok").encode())
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
print(server.server_port, flush=True)
server.serve_forever()
"""
SERVES = (
    'mkfifo "$CASE/port" && python3 "$CASE/source/serve.py" >"$CASE/port" &\n'
    'while [ ! -p "$CASE/port" ]; do sleep 1; done; read -r port <"$CASE/port"\n'
    'export GITHUB_API_URL="http://127.0.0.1:$port" GITHUB_UPLOADS_URL="http://127.0.0.1:$port"\n'
)
SERVED = {"serve.py": SERVER}
ENDS = "kill $!; wait 2>/dev/null"
ANSWER = '{"url": "x", "id": 4711, "author": {"id": 1}}'

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
RELEASE = {"token": "tok-3cret", "tag": "v1", "title": 'The "first"', "body": "a\n\tb\\c"}
FORGES = [
    Case(
        "makes a release and hands its id on",
        "github-create-release",
        {**RELEASE, "draft": "true"},
        env={"ANSWER": ANSWER},
        files=SERVED,
        real=("python3",),
        places=(HOST, PYTHON),
        before=SERVES,
        then=f'{ENDS}; echo "id $WERCKER_GITHUB_CREATE_RELEASE_ID"',
        says=("id 4711", "the release v1 of acme/shop was made"),
        secrets=("tok-3cret",),
        holds={
            "asked": '["/repos/acme/shop/releases", "application/json", "Bearer tok-3cret", '
            r'"{\"tag_name\": \"v1\", \"name\": \"The \\\"first\\\"\", \"target_commitish\": '
            r"\"0123456789abcdef0123456789abcdef01234567\", \"body\": \"a\\n\\tb\\\\c\", "
            r'\"draft\": true, \"prerelease\": false}\n"]'
            "\n"
        },
    ),
    Case(
        "tells curl the token by its input",
        "github-create-release",
        {**RELEASE, "export-id": "MY_ID"},
        programs={"curl": f"cat >$CASE/words; cd $CASE/tmp/*; echo '{ANSWER}' >answer; printf 201"},
        then='echo "id $MY_ID"; grep -c "Bearer tok-3cret" "$CASE/words"',
        calls=("curl [--silent] [--show-error] [--max-time] [300] [--config] [-]",),
        says=("id 4711", "\n1\n"),
        secrets=("tok-3cret",),
    ),
    Case(
        "says why GitHub refused",
        "github-create-release",
        RELEASE,
        env={"ANSWER": '{"message":\n "Bad credentials"}', "STATUS": "401"},
        files=SERVED,
        real=("python3",),
        places=(PYTHON,),
        before=f"trap '{ENDS}' EXIT\n{SERVES}",
        ends=1,
        says=('GitHub does not know the token (401: {"message": "Bad credentials"})',),
        secrets=("tok-3cret",),
    ),
    missing("github-create-release", "curl or python3", "install curl", token="x", tag="1"),
    Case(
        "adds a file to the release that was made before",
        "github-upload-asset",
        {"token": "tok-3cret", "file": "a b.txt", "content-type": "text/plain"},
        env={"ANSWER": ANSWER, "WERCKER_GITHUB_CREATE_RELEASE_ID": "99"},
        files={**SERVED, "a b.txt": "content"},
        real=("python3",),
        places=(HOST, PYTHON),
        before=SERVES,
        then=f'{ENDS}; echo "id $WERCKER_GITHUB_UPLOAD_ASSET_ID"',
        says=("id 4711", "a.b.txt was added to the release 99"),
        secrets=("tok-3cret",),
        holds={
            "asked": '["/repos/acme/shop/releases/99/assets?name=a.b.txt", "text/plain", '
            '"Bearer tok-3cret", "content"]\n'
        },
    ),
    Case(
        "asks for a release",
        "github-upload-asset",
        {"token": "x", "file": "a"},
        files={"a": ""},
        programs={"curl": ""},
        ends=1,
        calls=(),
        says=("use github-create-release before",),
    ),
    missing("github-upload-asset", "curl or python3", "install curl", token="x", file="a"),
]
# The branch of the server, and who logged in where a stand-in looks.
MAKES = (
    'export GITHUB_SERVER_URL="file://$CASE/server" HEROKU_GIT_URL="file://$CASE/server"\n'
    'git init --quiet --bare "$CASE/server/acme/shop.git"; cp -R "$CASE/server/acme/shop.git"'
    ' "$CASE/server/app.git"\n'
)
LOGS_IN = (
    'for word in "$@"; do case $word in *--file=*) way=${word#*--file=};; esac; done\n'
    '[ -z "${way-}" ] || cp "$way" "$CASE/login"\n'
    'case "$*" in *rev-parse*|*diff*) exit 1;; *init*) mkdir -p "$4";; esac'
)
FOLDERS = [
    Case(
        "publishes a folder, and leaves nothing in it",
        "lukevivier/gh-pages@0.2.1",
        {"token": "tok-3cret", "basedir": "public", "domain": "shop.example"},
        files={"public/index.html": "hi", "private": ""},
        real=("git",),
        places=(HOST,),
        before=MAKES,
        then='git -C "$CASE/server/acme/shop.git" ls-tree --name-only gh-pages; ls -A public',
        says=("CNAME\nindex.html\nCNAME\nindex.html\n", "was sent"),
    ),
    Case(
        "tells git the token by a file",
        "uetchy/gh-pages",
        {"token": "tok-3cret", "repo": "ann/ann.github.io", "path": "."},
        programs={"git": LOGS_IN},
        holds={"login": "https://x-access-token:tok-3cret@github.com\n"},
        says=("the branch master was sent to https://github.com/ann/ann.github.io.git",),
        secrets=("tok-3cret",),
    ),
    missing("gh-pages", "git", "install it", token="x"),
    Case(
        "keeps what the branch holds besides",
        "leipert/git-push",
        {"gh_oauth": "tok-3cret", "branch": "live", "basedir": "new", "destdir": "docs"},
        files={"new/b": "", "old/a": ""},
        real=("git",),
        places=(HOST,),
        before=MAKES
        + 'git -c init.defaultBranch=live init --quiet "$CASE/first"; cp -R old "$CASE/first"\n'
        '(cd "$CASE/first" && git add . && git -c user.name=a -c user.email=a@b commit --quiet'
        ' -m first && git push --quiet "$CASE/server/acme/shop.git" live)\n',
        then='git -C "$CASE/server/acme/shop.git" ls-tree -r --name-only live\n'
        'git -C "$CASE/server/acme/shop.git" rev-list --count live',
        says=("docs/b\nold/a\n2\n",),
    ),
    Case(
        "removes what is gone when asked to, over ssh",
        "git-push",
        {"host": "git.example", "repo": "a/b", "branch": "live", "clean_removed_files": "true"},
        programs={"git": LOGS_IN},
        says=("was sent to git@git.example:a/b.git",),
    ),
    Case(
        "refuses tokens of old",
        "git-push",
        {"gh_token": "tok-3cret", "branch": "x"},
        programs={"git": ""},
        ends=1,
        says=("write `gh_oauth",),
        secrets=("tok-3cret",),
        calls=(),
    ),
    missing("git-push", "git", "install it"),
    Case(
        "pushes the source as one commit",
        "heroku-deploy",
        env={"HEROKU_KEY": "tok-3cret", "HEROKU_APP_NAME": "app"},
        files={"Procfile": "web: x"},
        real=("git",),
        places=(HOST,),
        before=MAKES,
        then='git -C "$CASE/server/app.git" ls-tree --name-only master',
        says=("\nProcfile\n", "was sent"),
        secrets=("tok-3cret",),
    ),
    Case(
        "logs in over HTTPS, and runs a command afterwards",
        "heroku-deploy",
        {
            "key": "tok-3cret",
            "user": "ann@shop.example",
            "app-name": "app",
            "key-name": "K",
            "run": "rake db:migrate",
        },
        programs={"git": LOGS_IN, "heroku": 'test "$HEROKU_API_KEY" = tok-3cret'},
        holds={"login": "https://ann%40shop.example:tok-3cret@git.heroku.com\n"},
        then='grep "^heroku" "$CASE/calls"',
        says=(
            "key-name is without effect",
            "heroku [run] [--exit-code] [--no-tty] [--app] [app] [--] [rake db:migrate]",
        ),
        secrets=("tok-3cret",),
    ),
    Case(
        "asks for the key that Heroku wants now",
        "heroku-deploy",
        {"app-name": "app", "key-name": "K"},
        programs={"git": ""},
        ends=1,
        calls=(),
        says=("Heroku takes no git over SSH any more",),
    ),
    missing("heroku-deploy", "git", "install it"),
]
HOOK = "$GITHUB_API_URL/T00/tok-3cret"
CHATS = [
    Case(
        "tells of a failure",
        "slack-notifier",
        {"url": HOOK, "channel": "dev", "username": "bot", "notify_on": "failed", "branch": "main"},
        env={
            "WERCKER_RESULT": "failed",
            "WERCKER_FAILED_STEP_DISPLAY_NAME": 'a "test"',
            "WERCKER_FAILED_STEP_MESSAGE": "no 100% luck",
            "STATUS": "200",
        },
        files=SERVED,
        real=("python3",),
        places=(HOST, PYTHON),
        before=SERVES,
        then=f"{ENDS}; python3 -c \"import json; line = json.loads(open('$CASE/asked').read())\n"
        'body = json.loads(line[3]); print(line[0], body)"',
        says=(
            "'username': 'bot', 'channel': '#dev'",
            "'color': 'danger'",
            '|build> of shop by ann has failed on branch main, in the step a "test": no 100% luck',
            "the message was sent",
        ),
    ),
    Case(
        "says nothing of what passed when told so",
        "slack-notifier",
        {"url": "https://hooks/x", "notify_on": "failed"},
        programs={"curl": ""},
        calls=(),
        says=("nothing is said",),
    ),
    Case(
        "says nothing of other branches",
        "slack-notifier",
        {"url": "https://hooks/x", "branch": "live,next"},
        programs={"curl": ""},
        calls=(),
        says=("nothing is said of the branch main",),
    ),
    Case(
        "keeps the address from other processes",
        "adrien/slack-notifier-bl@0.0.2",
        {"url": "https://hooks/tok-3cret"},
        programs={"curl": 'cat >"$CASE/words"; printf 200'},
        then='grep -c "https://hooks/tok-3cret" "$CASE/words"',
        calls=("curl [--silent] [--show-error] [--max-time] [300] [--config] [-]",),
        says=("the message was sent", "\n1\n"),
        secrets=("tok-3cret",),
    ),
    Case(
        "says that nobody answers",
        "slack-notifier",
        {"url": "https://hooks/tok-3cret"},
        programs={"curl": "cat >/dev/null; printf 000; exit 7"},
        ends=1,
        says=("the message was not taken: nobody answers there",),
        secrets=("tok-3cret",),
    ),
    missing("slack-notifier", "curl or python3", "install curl", url="https://x"),
    Case(
        "tells what was built",
        "pasonatquila/pretty-slack-notify@0.3.6",
        {
            "webhook_url": "https://hooks/tok-3cret",
            "channel": "#dev",
            "branches": "^ma",
            "passed_message": "well done",
        },
        programs={"curl": 'cat "$CASE"/tmp/*/message >"$CASE/message"; cat >/dev/null; printf 200'},
        then='cat "$CASE/message"',
        says=(
            "build> of shop (main, 01234567) by ann passed\\nwell done",
            '"channel": "#dev"',
            '"color": "good"',
        ),
        secrets=("tok-3cret",),
    ),
    Case(
        "says what Slack took away",
        "eiel/pretty-slack-notify",
        {"team": "t", "token": "tok-3cret"},
        programs={"curl": ""},
        ends=1,
        calls=(),
        says=("write `webhook_url: ...`",),
        secrets=("tok-3cret",),
    ),
    missing(
        "wantedly/pretty-slack-notify", "curl or python3", "install curl", webhook_url="x"
    )._replace(properties={"webhook_url": "https://x"}),
]
KEY = "-----BEGIN KEY-----\\ntok-3cret\\n-----END KEY-----"
IN_A_BOX = {"WERCKER_PIPELINE_DIR": "/pipeline"}
LINE = (
    "shop.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmzsuVKtkOykbB07oa9xPcn2P/uGEdgLQnYyvgYrd7z"
)
SHOWS_KEYS = {
    "ssh-keyscan": f"echo '# a comment'; echo '{LINE}'; echo '{LINE[:-4]}AAAA'",
    "ssh-keygen": 'case "$3 $(cat "$5")" in sha256*rd7z) echo "256 SHA256:right x";; sha256*) echo'
    ' "256 SHA256:wrong x";; *rd7z) echo "256 MD5:aa:bb x";; *) echo "256 MD5:cc:dd x";; esac',
}
HOSTS = [
    Case(
        "writes a key for ssh",
        "add-ssh-key",
        {"keyname": "DEPLOY", "host": "shop.example"},
        env={**IN_A_BOX, "DEPLOY_PRIVATE": KEY},
        then='ls -l "$HOME/.ssh" | cut -c 1-10; echo "<${GIT_SSH_COMMAND-}>"',
        says=("-rw-------\n-rw-------\n<>",),
        secrets=("tok-3cret",),
        holds={
            "home/.ssh/DEPLOY": "-----BEGIN KEY-----\ntok-3cret\n-----END KEY-----\n",
            "home/.ssh/config": "Host shop.example\n  IdentityFile $CASE/home/.ssh/DEPLOY\n",
        },
    ),
    Case(
        "leaves a person's own ~/.ssh alone",
        "add-ssh-key",
        {"keyname": "DEPLOY"},
        env={"DEPLOY_PRIVATE": KEY},
        then='ls -A "$HOME"; echo "ssh: $GIT_SSH_COMMAND"',
        says=("ssh: ssh -F '", "/ssh/config' -o UserKnownHostsFile="),
        secrets=("tok-3cret",),
        holds={"ssh/config": "Host *\n  IdentityFile $CASE/ssh/DEPLOY\n"},
    ),
    Case(
        "never says a key back that was given as a name",
        "add-ssh-key",
        {"keyname": "$DEPLOY_PRIVATE"},
        env={"DEPLOY_PRIVATE": KEY},
        ends=1,
        says=("keyname must be the name of a key",),
        secrets=("tok-3cret",),
    ),
    Case(
        "says how a name is written",
        "add-ssh-key",
        {"keyname": "DEPLOY_PRIVATE"},
        ends=1,
        says=("without its ending: DEPLOY",),
    ),
    Case(
        "says which variable is not set",
        "add-ssh-key",
        {"keyname": "DEPLOY"},
        ends=1,
        says=("the variable DEPLOY_PRIVATE, which should hold the key, is not set",),
    ),
    *(
        Case(
            f"trusts only what has the fingerprint {spelled}",
            "add-to-known_hosts",
            {"hostname": "shop.example", "fingerprint": spelled, "type": "ed25519"},
            env=IN_A_BOX,
            programs=SHOWS_KEYS,
            holds={"home/.ssh/known_hosts": f"{LINE}\n"},
        )
        for spelled in ("SHA256:right", "right", "aa:bb", "MD5:aa:bb")
    ),
    Case(
        "trusts nobody who has another",
        "add-to-known_hosts",
        {"hostname": "shop.example", "fingerprint": "ee:ff"},
        programs=SHOWS_KEYS,
        ends=1,
        then='ls -A "$HOME"',
        says=(
            "no key of shop.example has the fingerprint ee:ff; they have SHA256:right SHA256:wrong",
        ),
    ),
    Case(
        "warns when it trusts whoever answers",
        "add-to-known_hosts",
        {"hostname": "shop.example", "port": "2222"},
        programs={**SHOWS_KEYS, "ssh-keyscan": f"echo '{LINE}'"},
        says=("is trusted without a fingerprint",),
        holds={"ssh/known_hosts": f"{LINE}\n"},
    ),
    Case(
        "knows fingerprints as the real ssh-keygen tells them",
        "add-to-known_hosts",
        {"hostname": "shop.example", "fingerprint": "$FOUND"},
        programs={"ssh-keyscan": f"echo '{LINE}'"},
        real=("ssh-keygen",),
        places=(HOST,),
        before=f"echo '{LINE}' >\"$CASE/line\"\n"
        "FOUND=$(ssh-keygen -l -f \"$CASE/line\" | cut -d ' ' -f 2)",
        holds={"ssh/known_hosts": f"{LINE}\n"},
    ),
    Case(
        "says that nobody answers",
        "add-to-known_hosts",
        {"hostname": "shop.example"},
        programs={**SHOWS_KEYS, "ssh-keyscan": "echo 'no route to host' >&2"},
        places=(HOST, DEBIAN),
        ends=1,
        says=("shows no key of type ed25519,ecdsa,rsa: no route to host",),
    ),
    missing("add-to-known_hosts", "ssh-keyscan", "openssh-client", hostname="x"),
    Case(
        "copies a folder with a key",
        "rsync-deploy",
        {
            "host": "shop.example",
            "directory": "/srv",
            "sshkey": "key",
            "user": "www",
            "sshport": "2222",
            "source": "out/",
            "rsync_options": "--delete",
        },
        files={"key": KEY, "rsync_exclude_file.txt": ""},
        programs={"rsync": "", "ssh": ""},
        calls=(
            (
                "rsync [--archive] [--compress] [--delete] [--exclude-from=rsync_exclude_file.txt]"
                " [--rsh] [ssh -o BatchMode=yes -p 2222 -i 'key'] [out/] [www@shop.example:/srv]"
            ),
        ),
    ),
    missing("rsync-deploy", "rsync", "install it before", host="x", directory="/y"),
]
CASES = [*CLUSTERS, *BUCKETS, *FORGES, *FOLDERS, *CHATS, *HOSTS]
