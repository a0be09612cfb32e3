# goveralls: coverage to Coveralls; the token goes by a variable.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  given token "$WERCKER_GOVERALLS_TOKEN"
  tools="${WERCKER_CACHE_DIR:-/tmp}/goveralls"
  PATH="$PATH:$tools"
  if ! command -v goveralls >/dev/null 2>&1; then
    need go 'use a box with Go, such as golang:1.22'
    again env GO111MODULE=on GOBIN="$tools" GOFLAGS= go install github.com/mattn/goveralls@latest ||
      fail 'goveralls is not in this box, and could not be installed'
  fi
  export COVERALLS_TOKEN="$WERCKER_GOVERALLS_TOKEN"
  goveralls -service=steersman
)
