# maven: goals of Maven. A version that was fetched stays on PATH for later steps.
if [ -n "$WERCKER_MAVEN_VERSION" ]; then
  steer_maven="${WERCKER_CACHE_DIR:-/tmp}/maven/apache-maven-$WERCKER_MAVEN_VERSION"
  (
    set -eu
    [ ! -x "$steer_maven/bin/mvn" ] || exit 0
    . "$WERCKER_STEP_ROOT/box.sh"
    . "$WERCKER_STEP_ROOT/http.sh"
    case $WERCKER_MAVEN_VERSION in
      *[!0-9A-Za-z.-]* | '' | .*) fail "$WERCKER_MAVEN_VERSION is no version of Maven" ;;
    esac
    need_http
    make_scratch
    name="apache-maven-$WERCKER_MAVEN_VERSION-bin.tar.gz"
    from="https://archive.apache.org/dist/maven/maven-${WERCKER_MAVEN_VERSION%%.*}"
    from="$from/$WERCKER_MAVEN_VERSION/binaries/$name"
    info "fetching Maven $WERCKER_MAVEN_VERSION"
    download "$from" "$scratch/$name"
    download "$from.sha512" "$scratch/sum"
    checked "$scratch/$name" "$(tr -d '\r\n' <"$scratch/sum" | cut -c 1-128)" sha512sum
    mkdir -p "${steer_maven%/*}"
    tar -xzf "$scratch/$name" -C "${steer_maven%/*}"
  ) || return
  export PATH="$steer_maven/bin:$PATH"
  unset steer_maven
fi
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  given goals "$WERCKER_MAVEN_GOALS"
  maven=mvn
  if [ -z "$WERCKER_MAVEN_VERSION" ] && [ -f mvnw ]; then
    maven='sh ./mvnw'
  else
    need mvn 'use a box with Maven, such as maven:3-eclipse-temurin-17, or ask for a version'
  fi
  set -f
  # shellcheck disable=SC2086 # the names of the goals
  set -- --batch-mode $WERCKER_MAVEN_GOALS
  [ -z "$WERCKER_MAVEN_POM" ] || set -- --file "$WERCKER_MAVEN_POM" "$@"
  [ -z "$WERCKER_MAVEN_PROFILES" ] || set -- --activate-profiles "$WERCKER_MAVEN_PROFILES" "$@"
  [ -z "$WERCKER_MAVEN_SETTINGS" ] || set -- --settings "$WERCKER_MAVEN_SETTINGS" "$@"
  [ -z "$WERCKER_MAVEN_SECURITY_SETTINGS" ] ||
    set -- "-Dsettings.security=$WERCKER_MAVEN_SECURITY_SETTINGS" "$@"
  ! is_on "$WERCKER_MAVEN_CACHE_REPO" || set -- "-Dmaven.repo.local=$WERCKER_CACHE_DIR/.m2" "$@"
  ! is_on "$WERCKER_MAVEN_DEBUG" || set -- --debug "$@"
  [ -z "$WERCKER_MAVEN_MAVEN_OPTS" ] || export MAVEN_OPTS="$WERCKER_MAVEN_MAVEN_OPTS"
  $maven "$@"
)
