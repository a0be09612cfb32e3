# npm-install: the packages of a package.json.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  need npm 'use a box with Node, such as node:20'
  if is_on "$WERCKER_NPM_INSTALL_USE_CACHE" && [ -n "${WERCKER_CACHE_DIR-}" ]; then
    export npm_config_cache="$WERCKER_CACHE_DIR/wercker/npm"
    mkdir -p "$npm_config_cache"
  fi

  install() {
    npm install "$@" && return
    steer_status=$?
    if is_on "$WERCKER_NPM_INSTALL_CLEAR_CACHE_ON_FAILED" && [ -n "${npm_config_cache-}" ]; then
      info 'emptying the cache of npm'
      rm -rf "$npm_config_cache/_cacache"
    fi
    return "$steer_status"
  }

  set -f
  # shellcheck disable=SC2086 # the words of the options
  again install $WERCKER_NPM_INSTALL_OPTIONS || fail 'npm install failed, three times'
)
