# jshint: mistakes in JavaScript.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  PATH="$PWD/node_modules/.bin:$PATH"
  need jshint 'write it into package.json and run npm-install before'
  # What was installed is not the project's to mend; a .jshintignore says more.
  [ -f .jshintignore ] || set -- --exclude node_modules
  # shellcheck disable=SC2086 # patterns of files
  jshint "$@" $WERCKER_JSHINT_FILES
)
