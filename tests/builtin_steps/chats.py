"""Cases of the steps that tell people how a pipeline ended."""

from __future__ import annotations

from tests.builtin_steps.cases import HOST, PYTHON, Case, missing
from tests.builtin_steps.serving import ENDS, SERVED, SERVES

HOOK = "$GITHUB_API_URL/T00/tok-3cret"
CHATS = [
    Case(
        "tells of a failure",
        "slack-notifier",
        {"url": HOOK, "channel": "dev", "username": "bot", "notify_on": "failed", "branch": "main"},
        env={
            "WERCKER_RESULT": "failed",
            "WERCKER_FAILED_STEP_DISPLAY_NAME": 'a "test"',
            "WERCKER_FAILED_STEP_MESSAGE": "no <100%> luck",
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
            "|build> of shop by ann has failed on branch main",
            'in the step a "test": no &lt;100%&gt; luck',
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
MAIL = {
    "from": "ci@shop.example", "to": "ann@shop.example, bob@shop.example", "username": "ci",
    "password": 'tok-3cret"', "host": "mail.shop.example",
}  # fmt: skip
MAILS = [
    Case(
        "sends a mail, with the password out of sight",
        "email-notify",
        {**MAIL, "failed-subject": "broken\nBcc: x", "on": "failed"},
        env={"WERCKER_RESULT": "failed", "WERCKER_FAILED_STEP_MESSAGE": "no luck"},
        programs={"curl": 'cat >"$CASE/words"; cat "$CASE"/tmp/*/mail | tr -d "\\r" >"$CASE/mail"'},
        calls=("curl [--silent] [--show-error] [--max-time] [120] [--config] [-]",),
        says=("the mail was sent",),
        secrets=("tok-3cret",),
        holds={
            "words": 'url = "smtp://mail.shop.example:587"\nssl-reqd\n'
            'upload-file = "$SCRATCH/mail"\nuser = "ci:tok-3cret\\""\n'
            'mail-from = "ci@shop.example"\nmail-rcpt = "ann@shop.example"\n'
            'mail-rcpt = "bob@shop.example"\n',
            "mail": "From: ci@shop.example\nTo: ann@shop.example, bob@shop.example\n"
            "Subject: broken Bcc: x\nContent-Type: text/plain; charset=utf-8\n\n"
            ": no luck\nhttp://localhost//shop/runs/build/run-1\n",
        },
    ),
    Case(
        "says nothing of what passed when told so",
        "email-notify",
        {**MAIL, "on": "failed"},
        programs={"curl": ""},
        calls=(),
        says=("nothing is said",),
    ),
    missing("email-notify", "curl", "install it before")._replace(properties=MAIL),
]
CASES = [*CHATS, *MAILS]
