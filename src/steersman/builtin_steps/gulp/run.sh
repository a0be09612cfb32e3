# gulp: tasks of a gulpfile.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  PATH="$PWD/node_modules/.bin:$PATH"
  need gulp 'write it into package.json and run npm-install before'
  set -f
  # shellcheck disable=SC2086 # the words of the options
  gulp $WERCKER_GULP_OPTIONS $WERCKER_GULP_TASKS
)
