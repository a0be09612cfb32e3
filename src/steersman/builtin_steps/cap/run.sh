# cap: tasks of Capistrano.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  need bundle 'use a box with Ruby, such as ruby:3, and the step bundle-install before'
  set -f
  # shellcheck disable=SC2086 # the names of the tasks
  bundle exec cap $WERCKER_CAP_STAGE $WERCKER_CAP_TASKS
)
