# rvm-use: RVM is a function of the shell, so that this must not be a subshell.
for steer_rvm in "$HOME/.rvm/scripts/rvm" /usr/local/rvm/scripts/rvm; do
  if ! command -v rvm >/dev/null 2>&1 && [ -n "${BASH_VERSION-}" ] && [ -s "$steer_rvm" ]; then
    . "$steer_rvm"
  fi
done
unset steer_rvm
if command -v rvm >/dev/null 2>&1; then
  rvm use "$WERCKER_RVM_USE_VERSION" || fail "RVM has no Ruby $WERCKER_RVM_USE_VERSION"
  return 0
fi
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  wanted=${WERCKER_RVM_USE_VERSION#ruby-}
  wanted=${wanted%%@*}
  need ruby "use the box ruby:$wanted"
  found=$(ruby -e 'print RUBY_VERSION')
  case $found in
    "${wanted%%-p[0-9]*}" | "$wanted".*) info "this box has Ruby $found" ;;
    *) fail "this box has Ruby $found and no RVM: use the box ruby:$wanted" ;;
  esac
)
