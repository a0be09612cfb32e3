# github-create-release: a release; its id stays in a variable.
case $WERCKER_GITHUB_CREATE_RELEASE_EXPORT_ID in
  '' | [0-9]* | *[!A-Za-z0-9_]*) fail 'export-id must be the name of a variable' ;;
esac
steer_id=$(
  exec 3>&1 >&2
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  . "$WERCKER_STEP_ROOT/http.sh"
  . "$WERCKER_STEP_ROOT/github.sh"
  need_http
  given token "$WERCKER_GITHUB_CREATE_RELEASE_TOKEN"
  tag=${WERCKER_GITHUB_CREATE_RELEASE_TAG:-$WERCKER_GITHUB_CREATE_RELEASE_TAG_NAME}
  given tag "$tag"
  github_repository "$WERCKER_GITHUB_CREATE_RELEASE_OWNER" "$WERCKER_GITHUB_CREATE_RELEASE_REPO"
  commit=${WERCKER_GITHUB_CREATE_RELEASE_TARGET_COMMITISH:-${WERCKER_GIT_COMMIT-}}
  truth() {
    if is_on "$1"; then echo true; else echo false; fi
  }
  make_scratch
  {
    printf '{"tag_name": %s, "name": %s' "$(json "$tag")" \
      "$(json "${WERCKER_GITHUB_CREATE_RELEASE_TITLE:-$tag}")"
    [ -z "$commit" ] || printf ', "target_commitish": %s' "$(json "$commit")"
    printf ', "body": %s' "$(json "$WERCKER_GITHUB_CREATE_RELEASE_BODY")"
    printf ', "draft": %s' "$(truth "$WERCKER_GITHUB_CREATE_RELEASE_DRAFT")"
    printf ', "prerelease": %s}\n' "$(truth "$WERCKER_GITHUB_CREATE_RELEASE_PRERELEASE")"
  } >"$scratch/release"
  http POST "${GITHUB_API_URL:-https://api.github.com}/repos/$repository/releases" \
    "$scratch/release" application/json "Bearer $WERCKER_GITHUB_CREATE_RELEASE_TOKEN"
  is_fine || github_refused "the release $tag of $repository was not made"
  id=$(github_id)
  [ -n "$id" ] || fail "GitHub made the release $tag of $repository but told no id of it"
  success "the release $tag of $repository was made: its id is $id"
  printf '%s\n' "$id" >&3
) || return
export "$WERCKER_GITHUB_CREATE_RELEASE_EXPORT_ID=$steer_id"
unset steer_id
