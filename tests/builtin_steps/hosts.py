"""Cases of the steps for ssh."""

from __future__ import annotations

from tests.builtin_steps.cases import DEBIAN, HOST, Case, missing

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
CASES = HOSTS
