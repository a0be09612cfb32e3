# gh-pages: a folder becomes the one commit of a branch.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  . "$WERCKER_STEP_ROOT/git.sh"
  need git 'install it before'
  given token "$WERCKER_GH_PAGES_TOKEN"
  repository=${WERCKER_GH_PAGES_REPO:-${WERCKER_GIT_OWNER-}/${WERCKER_GIT_REPOSITORY-}}
  case $repository in
    ?*/?*) ;;
    *) fail 'the repository is not known: write `repo: owner/name`' ;;
  esac
  folder=${WERCKER_GH_PAGES_BASEDIR:-${WERCKER_GH_PAGES_PATH:-.}}
  [ -d "$folder" ] || fail "there is no folder $folder to publish (basedir)"
  [ -z "$WERCKER_GH_PAGES_DOMAIN" ] || printf '%s\n' "$WERCKER_GH_PAGES_DOMAIN" >"$folder/CNAME"
  branch=$WERCKER_GH_PAGES_BRANCH
  if [ -z "$branch" ]; then
    branch=gh-pages
    [ "${repository#*/}" != "${repository%%/*}.github.io" ] || branch=master
  fi
  make_scratch
  server=${GITHUB_SERVER_URL:-https://github.com}
  git_login "$server" x-access-token "$WERCKER_GH_PAGES_TOKEN"
  send_folder "$folder" "$server/$repository.git" "$branch" "deploy ${WERCKER_GIT_COMMIT:-by hand}"
)
