"""Cases of the steps that speak to forges, or push to them."""

from __future__ import annotations

from tests.builtin_steps.cases import HOST, PYTHON, Case, missing
from tests.builtin_steps.serving import ENDS, SERVED, SERVES

ANSWER = '{"url": "x", "id": 4711, "author": {"id": 1}}'
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
CASES = [*FORGES, *FOLDERS]
