# install-packages: by whichever package manager the box has.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  given packages "$WERCKER_INSTALL_PACKAGES_PACKAGES"
  set -f
  # shellcheck disable=SC2086 # the names of the packages
  set -- $WERCKER_INSTALL_PACKAGES_PACKAGES

  system=$( (. /etc/os-release && echo "${ID:-linux}-${VERSION_ID:-0}") 2>/dev/null || echo linux)
  kept="${WERCKER_CACHE_DIR:-/tmp}/install-packages/$system"
  ! is_on "$WERCKER_INSTALL_PACKAGES_CLEAR_CACHE" || rm -rf "$kept"

  # Lists stay as small as they came: the cache travels from run to run.
  apt() {
    sudo env DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes -o Dpkg::Use-Pty=0 \
      -o Acquire::GzipIndexes=true -o "Dir::State::Lists=$kept/lists" -o "Dir::Cache::Archives=$kept/archives" "$@"
  }

  # The lists are asked for once a day, and again when they did not help.
  by_apt() {
    if [ -z "$(find "$kept/lists.time" -mtime -1 2>/dev/null)" ]; then
      apt update || return
      touch "$kept/lists.time"
    fi
    apt install "$@" && return
    steer_status=$?
    rm -f "$kept/lists.time"
    return "$steer_status"
  }

  if command -v apt-get >/dev/null 2>&1; then
    mkdir -p "$kept/lists/partial" "$kept/archives/partial"
    again by_apt "$@" && { apt autoclean >/dev/null || :; }
  elif command -v apk >/dev/null 2>&1; then
    again sudo apk add --no-cache "$@"
  elif command -v dnf >/dev/null 2>&1; then
    again sudo dnf install --assumeyes "$@"
  elif command -v microdnf >/dev/null 2>&1; then
    again sudo microdnf install --assumeyes "$@"
  elif command -v yum >/dev/null 2>&1; then
    again sudo yum install --assumeyes "$@"
  else
    fail 'this box has no package manager (apt-get, apk, dnf, yum): use one that has'
  fi || fail "the packages could not be installed: $*"
)
