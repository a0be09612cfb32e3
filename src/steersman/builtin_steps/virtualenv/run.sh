# virtualenv: makes one, and activates it in the shell of the steps.
steer_venv=$(
  exec 3>&1 >&2
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  python=$WERCKER_VIRTUALENV_PYTHON_LOCATION
  if [ -z "$python" ]; then
    python=python3
    command -v python3 >/dev/null 2>&1 || python=python
  fi
  need "$python" 'use a box with Python, such as python:3.11'
  venv=$WERCKER_VIRTUALENV_VIRTUALENV_LOCATION
  if [ -z "$venv" ]; then
    # Where it goes with the run, if we may write there.
    folder=${WERCKER_PIPELINE_DIR:-/pipeline}
    [ -w "$folder" ] || folder=${TMPDIR:-/tmp}
    venv=$(mktemp -d "$folder/venv.XXXXXX")/venv
  fi
  [ ! -f "$venv/bin/activate" ] || fail "there is a virtualenv at $venv already"
  if ! "$python" -m venv "$venv" 2>/dev/null; then
    need virtualenv "this Python has no venv either (Debian: install python3-venv)"
    virtualenv --quiet --python "$python" "$venv"
  fi
  ! is_on "$WERCKER_VIRTUALENV_INSTALL_WHEEL" || again "$venv/bin/pip" install --quiet wheel
  printf '%s\n' "$venv" >&3
) || return
info "the virtualenv $steer_venv is active"
. "$steer_venv/bin/activate"
unset steer_venv
