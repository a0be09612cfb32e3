# What built-in steps say over HTTP: by curl or python3, whichever the box has. Needs box.sh.

need_http() {
  command -v curl >/dev/null 2>&1 || command -v python3 >/dev/null 2>&1 ||
    fail "this step needs curl or python3, and neither is in this box: install curl before it"
}

# http METHOD URL FILE TYPE AUTHORIZATION: sends FILE, writes the answer to $scratch/answer and sets
# $http_status (000: nobody answered). What is sent, and the address, may be secret.
http() {
  if command -v curl >/dev/null 2>&1; then
    http_status=$(_http_words "$@" | curl --silent --show-error --max-time 300 --config -) || :
  else
    http_status=$(_http_spec "$@" | python3 -c "$_HTTP_PYTHON") || :
  fi
  http_status=${http_status:-000}
  [ -f "$scratch/answer" ] || : >"$scratch/answer"
}

_http_words() {
  rm -f "$scratch/answer"
  printf 'request = %s\nurl = %s\n' "$(json "$1")" "$(json "$2")"
  printf 'data-binary = %s\n' "$(json "@$3")"
  printf 'header = %s\n' "$(json "Content-Type: $4")"
  [ -z "$5" ] || printf 'header = %s\n' "$(json "Authorization: $5")"
  printf 'output = %s\nwrite-out = "%%{http_code}"\n' "$(json "$scratch/answer")"
}

_http_spec() {
  rm -f "$scratch/answer"
  printf '{"method": %s, "url": %s, "file": %s, "type": %s, "login": %s, "answer": %s}\n' \
    "$(json "$1")" "$(json "$2")" "$(json "$3")" "$(json "$4")" "$(json "$5")" \
    "$(json "$scratch/answer")"
}

_HTTP_PYTHON='
import json, sys, urllib.error, urllib.request
said = json.load(sys.stdin)
headers = {"Content-Type": said["type"]}
if said["login"]:
    headers["Authorization"] = said["login"]
with open(said["file"], "rb") as file:
    body = file.read()
request = urllib.request.Request(said["url"], body, headers, method=said["method"])
try:
    answer = urllib.request.urlopen(request, timeout=300)
except urllib.error.HTTPError as error:
    answer = error
except OSError as error:
    print(getattr(error, "reason", error), file=sys.stderr)
    print("000")
    sys.exit()
with answer, open(said["answer"], "wb") as file:
    file.write(answer.read())
print(answer.code)
'

is_fine() {
  case $http_status in
    2??) return 0 ;;
  esac
  return 1
}

# What a refusal says of itself, in one short line.
http_said() {
  if [ "$http_status" = 000 ]; then
    printf 'nobody answers there'
  else
    printf '%s: %s' "$http_status" "$(tr -s ' \t\r\n' ' ' <"$scratch/answer" | cut -c 1-300)"
  fi
}

# download URL FILE
download() {
  again _download "$1" "$2" || fail "cannot download $1"
}

_download() {
  if command -v curl >/dev/null 2>&1; then
    curl --silent --show-error --fail --location --max-time 600 --output "$2" "$1"
  else
    python3 -c 'import shutil, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=60) as got, open(sys.argv[2], "wb") as file:
    shutil.copyfileobj(got, file)' "$1" "$2"
  fi
}

# checked FILE SUM [PROGRAM]: refuses a download that is not what its makers say it is.
checked() {
  need "${3:-sha256sum}" "it comes with coreutils and with busybox"
  steer_sum=$("${3:-sha256sum}" "$1") || fail "cannot read $1"
  [ "${steer_sum%% *}" = "$2" ] || fail "what was downloaded is damaged: its checksum differs"
}

# The processor, as downloads spell it.
processor() {
  case $(uname -m) in
    x86_64 | amd64) echo amd64 ;;
    aarch64 | arm64) echo arm64 ;;
    *) fail "there is no download for this machine ($(uname -m)): use a box that has the program" ;;
  esac
}
