# glide-install: for projects that still have a glide.yaml.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  need glide 'it is not developed any more; turn glide.yaml into a go.mod with `go mod init`'
  export GLIDE_HOME="${WERCKER_CACHE_DIR:-/tmp}/glide"
  again glide --no-color install
)
