# github-upload-asset: a file for a release; its id stays in a variable.
case $WERCKER_GITHUB_UPLOAD_ASSET_EXPORT_ID in
  '' | [0-9]* | *[!A-Za-z0-9_]*) fail 'export-id must be the name of a variable' ;;
esac
steer_id=$(
  exec 3>&1 >&2
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  . "$WERCKER_STEP_ROOT/http.sh"
  . "$WERCKER_STEP_ROOT/github.sh"
  need_http
  given token "$WERCKER_GITHUB_UPLOAD_ASSET_TOKEN"
  file=$WERCKER_GITHUB_UPLOAD_ASSET_FILE
  given file "$file"
  [ -f "$file" ] || fail "there is no file $file"
  release=${WERCKER_GITHUB_UPLOAD_ASSET_RELEASE_ID:-${WERCKER_GITHUB_CREATE_RELEASE_ID-}}
  [ -n "$release" ] || fail 'the release is not known: use github-create-release before, or write `release-id: ...`'
  github_repository "$WERCKER_GITHUB_UPLOAD_ASSET_OWNER" "$WERCKER_GITHUB_UPLOAD_ASSET_REPO"
  # GitHub itself makes dots of whatever else there is in a name.
  name=$(printf '%s' "${WERCKER_GITHUB_UPLOAD_ASSET_FILENAME:-${file##*/}}" | tr -c 'A-Za-z0-9._-' '.')
  kind=$WERCKER_GITHUB_UPLOAD_ASSET_CONTENT_TYPE
  if [ -z "$kind" ]; then
    kind=application/octet-stream
    ! command -v file >/dev/null 2>&1 || kind=$(command file --mime-type -b "$file")
  fi
  make_scratch
  uploads=${GITHUB_UPLOADS_URL:-https://uploads.github.com}
  http POST "$uploads/repos/$repository/releases/$release/assets?name=$name" "$file" "$kind" \
    "Bearer $WERCKER_GITHUB_UPLOAD_ASSET_TOKEN"
  is_fine || github_refused "$name was not added to the release $release of $repository"
  success "$name was added to the release $release of $repository"
  github_id >&3
) || return
export "$WERCKER_GITHUB_UPLOAD_ASSET_EXPORT_ID=$steer_id"
unset steer_id
