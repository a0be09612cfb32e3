# setup-go-workspace: what it exports, WERCKER_SOURCE_DIR above all, is where later steps start.
if [ -z "${GOPATH-}" ]; then
  command -v go >/dev/null 2>&1 ||
    fail 'this step needs GOPATH or go, and neither is in this box: use one with Go, such as golang:1.22'
  GOPATH=$(go env GOPATH)
fi
export GOPATH
steer_place="$WERCKER_SETUP_GO_WORKSPACE_PACKAGE_DIR"
if [ -z "$steer_place" ] && [ -n "${WERCKER_GIT_REPOSITORY-}" ]; then
  steer_place="${WERCKER_GIT_DOMAIN:-local}/${WERCKER_GIT_OWNER:-local}/$WERCKER_GIT_REPOSITORY"
fi
[ -n "$steer_place" ] || steer_place="local/${WERCKER_APPLICATION_NAME:-source}"
# GOPATH may be a list of folders; the first is where things are put.
steer_place="${GOPATH%%:*}/src/$steer_place"
if [ "$WERCKER_SOURCE_DIR" = "$steer_place" ]; then
  info "the source is at $steer_place already (base-path)"
else
  mkdir -p "${steer_place%/*}" || fail "cannot make ${steer_place%/*}"
  if [ -L "$steer_place" ]; then rm -f "$steer_place"; fi
  [ ! -e "$steer_place" ] || fail "something stands at $steer_place already"
  ln -s "$WERCKER_SOURCE_DIR" "$steer_place" || fail "cannot make the link $steer_place"
  info "the source is at $steer_place"
  export WERCKER_SOURCE_DIR="$steer_place"
  cd "$WERCKER_SOURCE_DIR" || return
fi
if [ -z "${GO111MODULE-}" ] && [ ! -f go.mod ]; then
  export GO111MODULE=auto
fi
export PATH="${GOPATH%%:*}/bin:$PATH"
unset steer_place
