# npm-test: the tests of a package.json.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  need npm 'use a box with Node, such as node:20'
  set -f
  # shellcheck disable=SC2086 # the words of the options
  npm test $WERCKER_NPM_TEST_OPTIONS
)
