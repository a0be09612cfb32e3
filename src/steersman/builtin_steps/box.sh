# What built-in steps ask of the box they run in. Each sources this in a subshell of its own, so that
# nothing of it stays in the shell of the steps. POSIX: bash, dash and busybox ash read it alike.
: "${HOME:=/root}"

# need PROGRAM WHERE: the step goes no further without PROGRAM, which WHERE says how to get.
need() {
  command -v "$1" >/dev/null 2>&1 || fail "this step needs $1, which is not in this box: $2"
}

# given NAME VALUE: a property must not be empty, as it is when a variable in it is not set.
given() {
  [ -n "$2" ] || fail "the property $1 is empty: is the variable in it set?"
}

is_on() {
  case $1 in
    true | True | TRUE | yes | Yes | on | On | 1) return 0 ;;
  esac
  return 1
}

is_name() {
  case $1 in
    '' | [0-9]* | *[!A-Za-z0-9_]*) return 1 ;;
  esac
}

# A network is not always there: up to three tries.
again() {
  steer_try=1
  while :; do
    steer_status=0
    "$@" || steer_status=$?
    if [ "$steer_status" = 0 ] || [ "$steer_try" = 3 ]; then return "$steer_status"; fi
    warn "that ended with exit code $steer_status; try $((steer_try + 1)) of 3 follows"
    sleep $((steer_try * 2))
    steer_try=$((steer_try + 1))
  done
}

# Makes a folder, $scratch, that nobody else can read and that goes with the step: for secrets, which
# must not stand among the words of a command, where every process of the machine sees them.
make_scratch() {
  scratch=$(umask 077 && mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' HUP TERM
}

# json TEXT: as a string of JSON, which YAML and the configuration of curl read too.
json() {
  steer_tab=$(printf '\t')
  printf '"%s"' "$(
    printf '%s\n' "$1" | tr -d '\000-\010\013-\037' |
      sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$steer_tab/\\\\t/g" |
      awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
  )"
}

# Where keys and known hosts go: the box's ~/.ssh, but never the ~/.ssh of a person's machine.
ssh_folder() {
  if [ "${WERCKER_PIPELINE_DIR:-/pipeline}" = /pipeline ]; then
    printf '%s\n' "$HOME/.ssh"
  else
    printf '%s\n' "$WERCKER_PIPELINE_DIR/ssh"
  fi
}

# make_private FOLDER: for what ssh reads, which refuses it when others may write there.
make_private() {
  (umask 077 && mkdir -p "$1")
  chmod 700 "$1"
}
