# hugo-build: a site, by the box's hugo or one that is fetched.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  . "$WERCKER_STEP_ROOT/http.sh"
  version=${WERCKER_HUGO_BUILD_VERSION#v}

  has_version() {
    command -v hugo >/dev/null 2>&1 || return 1
    [ -z "$version" ] && return 0
    case $(hugo version) in
      *"v$version"[!0-9.]*) return 0 ;;
    esac
    return 1
  }

  fetch() {
    version=${version:-0.140.2}
    case $version in
      0.[0-9] | 0.[0-9].* | 0.1[0-9] | 0.1[0-9].*) fail "Hugo $version cannot be fetched any more; 0.20 is the oldest that can" ;;
      *[!0-9.]* | .* | *.) fail "$version is no version of Hugo" ;;
    esac
    PATH="${WERCKER_CACHE_DIR:-/tmp}/hugo/$version:$PATH"
    [ ! -x "${PATH%%:*}/hugo" ] || return 0
    need_http
    make_scratch
    minor=${version#*.}
    minor=${minor%%.*}
    processor=$(processor) || exit
    # Names of downloads changed with 0.103.
    if [ "${version%%.*}" != 0 ] || [ "$minor" -ge 103 ]; then
      name="hugo_${version}_linux-$processor.tar.gz"
    elif [ "$processor" = amd64 ]; then
      name="hugo_${version}_Linux-64bit.tar.gz"
    else
      name="hugo_${version}_Linux-ARM64.tar.gz"
    fi
    from="https://github.com/gohugoio/hugo/releases/download/v$version"
    info "fetching Hugo $version"
    download "$from/$name" "$scratch/archive"
    download "$from/hugo_${version}_checksums.txt" "$scratch/sums"
    checked "$scratch/archive" "$(awk -v name="$name" '$2 == name { print $1; exit }' "$scratch/sums")"
    mkdir -p "${PATH%%:*}"
    tar -xzf "$scratch/archive" -C "${PATH%%:*}"
  }

  if is_on "$WERCKER_HUGO_BUILD_FORCE_INSTALL" || ! has_version; then
    fetch
  fi
  need hugo 'what was fetched has none'

  is_among() {
    case " $(printf '%s' "$1" | tr ',\n' '  ') " in
      *" ${WERCKER_GIT_BRANCH:-} "*) return 0 ;;
    esac
    return 1
  }
  flags=$WERCKER_HUGO_BUILD_FLAGS
  if [ -n "$WERCKER_HUGO_BUILD_DEV_FLAGS" ]; then
    if is_among "$WERCKER_HUGO_BUILD_DEV_BRANCHES"; then
      flags=$WERCKER_HUGO_BUILD_DEV_FLAGS
    elif [ -n "$WERCKER_HUGO_BUILD_PROD_BRANCHES" ] && ! is_among "$WERCKER_HUGO_BUILD_PROD_BRANCHES"; then
      flags=$WERCKER_HUGO_BUILD_DEV_FLAGS
    fi
  fi
  site=${WERCKER_HUGO_BUILD_BASEDIR:-.}
  [ -d "$site" ] || fail "there is no folder $site (basedir)"
  ! is_on "$WERCKER_HUGO_BUILD_CLEAN_BEFORE" || rm -rf "$site/public"
  set -f
  # shellcheck disable=SC2086 # the words of the flags
  set -- $flags
  [ -z "$WERCKER_HUGO_BUILD_THEME" ] || set -- "--theme=$WERCKER_HUGO_BUILD_THEME" "$@"
  [ -z "$WERCKER_HUGO_BUILD_CONFIG" ] || set -- "--config=$WERCKER_HUGO_BUILD_CONFIG" "$@"
  info "hugo --source $site${*:+ $*}"
  hugo --source "$site" "$@"
)
