# shellcheck: mistakes in scripts of the shell.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  need shellcheck 'install it before, for example with the step install-packages'
  set --
  [ -z "$WERCKER_SHELLCHECK_EXCLUDE" ] || set -- "$@" "--exclude=$WERCKER_SHELLCHECK_EXCLUDE"
  [ -z "$WERCKER_SHELLCHECK_FORMAT" ] || set -- "$@" "--format=$WERCKER_SHELLCHECK_FORMAT"
  [ -z "$WERCKER_SHELLCHECK_SHELL" ] || set -- "$@" "--shell=$WERCKER_SHELLCHECK_SHELL"
  given=$#
  IFS=$WERCKER_SHELLCHECK_SEPARATOR
  for file in $WERCKER_SHELLCHECK_FILES; do
    [ ! -f "$file" ] || set -- "$@" "$file"
  done
  unset IFS
  [ "$#" != "$given" ] || fail "no file matches $WERCKER_SHELLCHECK_FILES"
  shellcheck "$@" || fail 'shellcheck found mistakes'
  success "shellcheck found nothing in $(($# - given)) files"
)
