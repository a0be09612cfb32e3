# bundle-install: the gems of a Gemfile, kept in the cache. What it exports, later steps need too.
if [ ! -f "${BUNDLE_GEMFILE:-Gemfile}" ]; then
  warn "there is no ${BUNDLE_GEMFILE:-Gemfile}: nothing is installed"
  return 0
fi

export BUNDLE_PATH="${WERCKER_BUNDLE_INSTALL_PATH:-$WERCKER_CACHE_DIR/bundle-install}"
if [ -n "$WERCKER_BUNDLE_INSTALL_WITHOUT" ]; then
  BUNDLE_WITHOUT=$(printf '%s' "$WERCKER_BUNDLE_INSTALL_WITHOUT" | tr -s ' ,\n' ':::')
  export BUNDLE_WITHOUT
fi
[ -z "$WERCKER_BUNDLE_INSTALL_JOBS" ] || export BUNDLE_JOBS="$WERCKER_BUNDLE_INSTALL_JOBS"
[ "$WERCKER_BUNDLE_INSTALL_DEPLOYMENT" != true ] || export BUNDLE_DEPLOYMENT=true
[ "$WERCKER_BUNDLE_INSTALL_FROZEN" != true ] || export BUNDLE_FROZEN=true
[ "$WERCKER_BUNDLE_INSTALL_CLEAN" != true ] || export BUNDLE_CLEAN=true

(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  if ! command -v bundle >/dev/null 2>&1; then
    need gem 'use a box with Ruby, such as ruby:3'
    info 'bundler is not in this box: installing it'
    again gem install bundler --no-document
  fi
  set --
  ! is_on "$WERCKER_BUNDLE_INSTALL_LOCAL" || set -- "$@" --local
  ! is_on "$WERCKER_BUNDLE_INSTALL_FULL_INDEX" || set -- "$@" --full-index
  ! is_on "$WERCKER_BUNDLE_INSTALL_STANDALONE" || set -- "$@" --standalone
  info "bundle install${*:+ $*}, into $BUNDLE_PATH"
  bundle install "$@"
  case $WERCKER_BUNDLE_INSTALL_BINSTUBS in
    '' | false) ;;
    true) bundle binstubs --all --path bin ;;
    *) bundle binstubs --all --path "$WERCKER_BUNDLE_INSTALL_BINSTUBS" ;;
  esac
  ! command -v rbenv >/dev/null 2>&1 || rbenv rehash
)
