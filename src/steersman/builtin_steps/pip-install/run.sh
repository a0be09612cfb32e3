# pip-install: the packages of a requirements.txt.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  pip=$WERCKER_PIP_INSTALL_PIP_COMMAND
  if [ -z "$pip" ]; then
    pip=pip
    command -v pip >/dev/null 2>&1 || pip=pip3
  fi
  need "$pip" 'use a box with Python, such as python:3.11'

  set -f
  # shellcheck disable=SC2086 # the names of the packages
  set -- $WERCKER_PIP_INSTALL_PACKAGES_LIST
  file=$WERCKER_PIP_INSTALL_REQUIREMENTS_FILE
  if [ -f "$file" ]; then
    set -- -r "$file" "$@"
  elif [ -n "$file" ] && [ "$file" != requirements.txt ]; then
    fail "there is no file $file (requirements_file)"
  fi
  if [ "$#" = 0 ]; then
    warn 'there is no requirements.txt and no packages_list: nothing is installed'
    exit 0
  fi

  cache="${PIP_CACHE_DIR:-${WERCKER_CACHE_DIR:-/tmp}/pip}"
  as=
  # A virtualenv is the user's own; what is the system's needs root.
  if [ -z "${VIRTUAL_ENV-}" ] && [ "$(id -u)" != 0 ] && command -v sudo >/dev/null 2>&1; then
    as=sudo
  fi
  # shellcheck disable=SC2086 # the words of extra_args
  again $as env PIP_CACHE_DIR="$cache" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 \
    PIP_ROOT_USER_ACTION=ignore "$pip" install $WERCKER_PIP_INSTALL_EXTRA_ARGS "$@" ||
    fail 'pip install failed, three times'
)
