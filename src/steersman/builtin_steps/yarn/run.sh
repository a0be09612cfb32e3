# yarn: the packages of a package.json, by yarn.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  need yarn 'use a box with it, such as node:20, or run `npm install --global yarn` before'
  if is_on "$WERCKER_YARN_USE_CACHE" && [ -n "${WERCKER_CACHE_DIR-}" ]; then
    # The first is read by yarn 1, the others by later ones.
    export YARN_CACHE_FOLDER="$WERCKER_CACHE_DIR/yarn" YARN_ENABLE_GLOBAL_CACHE=false
    mkdir -p "$YARN_CACHE_FOLDER"
  fi
  set -f
  # shellcheck disable=SC2086 # the words of the options
  again yarn install $WERCKER_YARN_OPTIONS || fail 'yarn install failed, three times'
)
