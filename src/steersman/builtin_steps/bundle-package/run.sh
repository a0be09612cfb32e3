# bundle-package: the gems, to travel with the source.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  need bundle 'use a box with Ruby, such as ruby:3'
  again bundle cache --all || fail 'bundle cache failed, three times'
)
