# Functions that steps may call. POSIX: this is read by bash, dash and busybox ash alike.

_steersman_print() {
  printf '\033[%sm\033[1m%b\033[m\n' "$1" "$2"
}

_steersman_report() {
  printf '%b\n' "$1" > "${WERCKER_REPORT_MESSAGE_FILE:-/dev/null}"
}

success() {
  _steersman_print 32 "$*"
}

info() {
  _steersman_print 37 "$*"
}

debug() {
  _steersman_print 38 "$*"
}

warn() {
  _steersman_print 33 "$*"
}

warning() {
  _steersman_print 33 "$*"
}

error() {
  _steersman_print 31 "error: $*"
}

fail() {
  _steersman_print 31 "failed: $*"
  _steersman_report "$*"
  exit 1
}

setMessage() {
  _steersman_report "$*"
}

# Old steps say `sudo` everywhere. It is dropped for root and where there is no such program. As a
# function it leaves alone a step that defines its own, and it knows the options it has to drop.
if ! command -v sudo >/dev/null 2>&1 || [ "${EUID:-$(id -u)}" = 0 ]; then
  sudo() {
    while [ "$#" -gt 0 ]; do
      case $1 in
        --) shift; break ;;
        -u | -g | -p | -C | --user | --group | --prompt) shift; [ "$#" -eq 0 ] || shift ;;
        -*) shift ;;
        *) break ;;
      esac
    done
    case ${1-} in
      *=*) env "$@" ;;
      *) "$@" ;;
    esac
  }
fi
