# grunt: tasks of a Gruntfile.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  PATH="$PWD/node_modules/.bin:$PATH"
  need grunt 'write grunt-cli into package.json and run npm-install before'
  set -f
  # shellcheck disable=SC2086 # the names of the tasks
  set -- $WERCKER_GRUNT_TASKS
  ! is_on "$WERCKER_GRUNT_DEBUG" || set -- --debug "$@"
  ! is_on "$WERCKER_GRUNT_VERBOSE" || set -- --verbose "$@"
  ! is_on "$WERCKER_GRUNT_STACK" || set -- --stack "$@"
  [ -z "$WERCKER_GRUNT_GRUNTFILE" ] || set -- --gruntfile "$WERCKER_GRUNT_GRUNTFILE" "$@"
  grunt "$@"
)
