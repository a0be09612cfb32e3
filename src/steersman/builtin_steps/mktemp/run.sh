# mktemp: a temporary file or folder, named in a variable that stays.
case $WERCKER_MKTEMP_ENVVAR in
  '' | [0-9]* | *[!A-Za-z0-9_]*) fail "$WERCKER_MKTEMP_ENVVAR cannot be the name of a variable (envvar)" ;;
esac
case $WERCKER_MKTEMP_DIRECTORY in
  true | yes | on | 1) steer_made=$(mktemp -d) || return ;;
  *) steer_made=$(mktemp) || return ;;
esac
export "$WERCKER_MKTEMP_ENVVAR=$steer_made"
info "$WERCKER_MKTEMP_ENVVAR is $steer_made"
unset steer_made
