# gradle: tasks of Gradle.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  . "$WERCKER_STEP_ROOT/http.sh"
  given task "$WERCKER_GRADLE_TASK"
  version=$WERCKER_GRADLE_VERSION
  export GRADLE_USER_HOME="${WERCKER_CACHE_DIR:-/tmp}/gradle"

  fetch() {
    case $version in
      *[!0-9A-Za-z.-]* | .*) fail "$version is no version of Gradle" ;;
    esac
    need unzip 'install it before'
    need_http
    make_scratch
    info "fetching Gradle $version"
    download "https://services.gradle.org/distributions/gradle-$version-bin.zip" "$scratch/zip"
    download "https://services.gradle.org/distributions/gradle-$version-bin.zip.sha256" "$scratch/sum"
    checked "$scratch/zip" "$(cut -c 1-64 "$scratch/sum")"
    mkdir -p "$GRADLE_USER_HOME/steps"
    unzip -q -o "$scratch/zip" -d "$GRADLE_USER_HOME/steps"
  }

  gradle=gradle
  if [ -n "$version" ]; then
    gradle="$GRADLE_USER_HOME/steps/gradle-$version/bin/gradle"
    [ -x "$gradle" ] || fetch
  elif [ -f gradlew ]; then
    gradle='sh ./gradlew'
  else
    need gradle 'use a box with Gradle, such as gradle:8, or ask for a version'
  fi

  set -f
  set -- --no-daemon
  ! is_on "$WERCKER_GRADLE_DEBUG" || set -- "$@" --debug
  [ -z "$WERCKER_GRADLE_BUILD_FILE" ] || set -- "$@" --build-file "$WERCKER_GRADLE_BUILD_FILE"
  [ -z "$WERCKER_GRADLE_SETTINGS_FILE" ] || set -- "$@" --settings-file "$WERCKER_GRADLE_SETTINGS_FILE"
  [ -z "$WERCKER_GRADLE_INIT_SCRIPT" ] || set -- "$@" --init-script "$WERCKER_GRADLE_INIT_SCRIPT"
  ! is_on "$WERCKER_GRADLE_CACHE_PROJECT_CACHE" ||
    set -- "$@" --project-cache-dir "$WERCKER_CACHE_DIR/gradle-project"
  for each in $WERCKER_GRADLE_SYSTEM_PROPS; do
    set -- "$@" "-D${each#-D}"
  done
  [ -z "$WERCKER_GRADLE_GRADLE_OPTS" ] || export GRADLE_OPTS="$WERCKER_GRADLE_GRADLE_OPTS"
  # shellcheck disable=SC2086 # the names of the tasks
  $gradle "$@" $WERCKER_GRADLE_TASK
)
