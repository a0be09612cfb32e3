# git-push: a folder becomes a commit on a branch.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  . "$WERCKER_STEP_ROOT/git.sh"
  need git 'install it before'
  [ -z "$WERCKER_GIT_PUSH_GH_TOKEN" ] || fail 'gh_token is not taken any more: make a new token and write `gh_oauth: ...`'
  repository=${WERCKER_GIT_PUSH_REPO:-${WERCKER_GIT_OWNER-}/${WERCKER_GIT_REPOSITORY-}}
  branch=$WERCKER_GIT_PUSH_BRANCH
  if [ -z "$branch" ]; then
    is_on "$WERCKER_GIT_PUSH_GH_PAGES" || fail 'the branch is not known: write `branch: ...`'
    branch=gh-pages
    [ "${repository#*/}" != "${repository%%/*}.github.io" ] || branch=master
  fi
  [ -d "$WERCKER_GIT_PUSH_BASEDIR" ] || fail "there is no folder $WERCKER_GIT_PUSH_BASEDIR (basedir)"

  make_scratch
  if [ -n "$WERCKER_GIT_PUSH_GH_OAUTH" ]; then
    server=${GITHUB_SERVER_URL:-https://github.com}
    git_login "$server" x-access-token "$WERCKER_GIT_PUSH_GH_OAUTH"
    url="$server/$repository.git"
  elif [ -n "$WERCKER_GIT_PUSH_HOST" ]; then
    git_login ssh "$WERCKER_GIT_PUSH_USER" ''
    url="$WERCKER_GIT_PUSH_USER@$WERCKER_GIT_PUSH_HOST:$repository.git"
  else
    fail 'where to push is not known: write `gh_oauth: $TOKEN` for GitHub, or `host: ...` for ssh'
  fi

  tree="$scratch/tree/$WERCKER_GIT_PUSH_DESTDIR"
  mkdir -p "$tree"
  cp -R "${WERCKER_GIT_PUSH_BASEDIR%/}/." "$tree"
  rm -rf "$tree/.git"
  [ -z "$WERCKER_GIT_PUSH_GH_PAGES_DOMAIN" ] ||
    printf '%s\n' "$WERCKER_GIT_PUSH_GH_PAGES_DOMAIN" >"$scratch/tree/CNAME"
  keep=files
  ! is_on "$WERCKER_GIT_PUSH_CLEAN_REMOVED_FILES" || keep=history
  ! is_on "$WERCKER_GIT_PUSH_DISCARD_HISTORY" || keep=
  send_folder "$scratch/tree" "$url" "$branch" "deploy ${WERCKER_GIT_COMMIT:-by hand}" "$keep"
)
