# bower-install: the packages of a bower.json.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  PATH="$PWD/node_modules/.bin:$PATH"
  need bower 'write it into package.json and run npm-install before'
  export bower_storage__packages="${WERCKER_CACHE_DIR:-/tmp}/bower"
  set -f
  # shellcheck disable=SC2086 # the words of the options
  set -- --config.interactive=false $WERCKER_BOWER_INSTALL_OPTIONS
  # Bower asks root to say that it means it.
  [ "$(id -u)" != 0 ] || set -- --allow-root "$@"
  again bower install "$@"
)
