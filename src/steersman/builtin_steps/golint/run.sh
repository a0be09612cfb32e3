# golint: complaints about the style of Go, counted.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  tools="${WERCKER_CACHE_DIR:-/tmp}/golint"
  PATH="$PATH:$tools"
  if ! command -v golint >/dev/null 2>&1; then
    need go 'use a box with Go, such as golang:1.22'
    again env GO111MODULE=on GOBIN="$tools" GOFLAGS= go install golang.org/x/lint/golint@latest ||
      fail 'golint is not in this box, and could not be installed'
  fi
  make_scratch
  golint ./... >"$scratch/all" || fail "golint ended with exit code $?"
  if [ -n "$WERCKER_GOLINT_EXCLUDE" ]; then
    grep -v -E -e "$WERCKER_GOLINT_EXCLUDE" "$scratch/all" >"$scratch/counted" || [ "$?" = 1 ]
  else
    cp "$scratch/all" "$scratch/counted"
  fi
  cat "$scratch/counted"
  count=$(awk 'END { print NR }' "$scratch/counted")
  if [ "$count" -ge "$WERCKER_GOLINT_THRESHOLD_FAIL" ]; then
    fail "golint complains $count times; $WERCKER_GOLINT_THRESHOLD_FAIL are too many"
  elif [ "$count" -ge "$WERCKER_GOLINT_THRESHOLD_WARN" ]; then
    warn "golint complains $count times"
    setMessage "golint complains $count times"
  else
    success "golint complains $count times"
  fi
)
