#!/bin/sh
# Tells Steersman what was pushed. This is a repository's hooks/post-receive.
#
# Make it executable, and put a token that may trigger into the file `steersman-token` beside it:
#     chmod 755 post-receive; chmod 600 steersman-token
# A push never fails by this, nor waits longer than ten seconds.

url=@URL@
most=200

warn() {
    echo "steersman: $*" >&2
}

# A remote's hook hears of a push on its standard input, a line for each reference.
updates() {
    comma= count=0
    while read -r old new ref; do
        count=$((count + 1))
        [ "$count" -le "$most" ] || continue
        ref=$(printf %s "$ref" | sed 's/\\/\\\\/g; s/"/\\"/g')
        printf '%s{"old":"%s","new":"%s","ref":"%s"}' "$comma" "$old" "$new" "$ref"
        comma=,
    done
    [ "$count" -le "$most" ] || warn "only the first $most of $count references are told"
}

# The token is never among a program's arguments: everybody on this machine could read it there.
with_curl() {
    printf 'header = "Authorization: Bearer %s"\n' "$token" >"$folder/settings"
    curl --silent --show-error --fail --max-time 9 --config "$folder/settings" \
        --header 'Content-Type: application/json' --header 'Accept: text/plain' \
        --data-binary "@$folder/body" "$url?wait=4"
}

with_python() {
    STEERSMAN_TOKEN=$token python3 - "$url?wait=4" "$folder/body" <<'END'
import os, signal, sys, urllib.request
signal.alarm(9)
headers = {
    "Authorization": "Bearer " + os.environ["STEERSMAN_TOKEN"],
    "Content-Type": "application/json",
    "Accept": "text/plain",
}
with open(sys.argv[2], "rb") as body:
    request = urllib.request.Request(sys.argv[1], body.read(), headers)
try:
    with urllib.request.urlopen(request, timeout=9) as answer:
        sys.stdout.write(answer.read().decode())
except OSError as error:
    sys.exit(str(error))
END
}

with_wget() {
    {
        echo "header = Authorization: Bearer $token"
        echo "header = Content-Type: application/json"
        echo "header = Accept: text/plain"
    } >"$folder/settings"
    WGETRC=$folder/settings wget --no-verbose --output-document=- --tries=1 \
        --dns-timeout=2 --connect-timeout=2 --read-timeout=5 \
        --post-file="$folder/body" "$url?wait=4"
}

tell() {
    if command -v curl >/dev/null 2>&1; then
        with_curl
    elif command -v python3 >/dev/null 2>&1; then
        with_python
    elif command -v wget >/dev/null 2>&1; then
        with_wget
    else
        echo "there is neither curl, python3 nor wget"
        return 1
    fi
}

main() {
    file=$(dirname "$0")/steersman-token
    token=$(head -n 1 "$file" 2>/dev/null | tr -cd 'A-Za-z0-9_')
    if [ -z "$token" ]; then
        warn "nothing runs: put a token into $file"
        return
    fi
    case $(ls -ld "$file") in
    -???------*) ;;
    *) warn "others may read $file; chmod 600 it" ;;
    esac
    umask 077
    folder=$(mktemp -d) || {
        warn "the push is not known to the server"
        return
    }
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 0' HUP INT TERM
    pusher=${GL_USERNAME:-${REMOTE_USER:-$(id -un)}}
    pusher=$(printf %s "$pusher" | tr -cd 'A-Za-z0-9._@-' | cut -c 1-200)
    printf '{"updates":[%s],"pusher":"%s"}' "$(updates)" "$pusher" >"$folder/body"
    if said=$(tell 2>"$folder/errors"); then
        [ -z "$said" ] || printf '%s\n' "$said" | sed 's/^/steersman: /'
    else
        warn "the push is not known to the server: $(tail -n 1 "$folder/errors") $said"
    fi
}

main
# What was not read above would end git's pipe in an error.
cat >/dev/null
exit 0
