# What the steps for releases at GitHub share. Needs box.sh and http.sh.

# github_repository OWNER REPO: as given, else the run's own.
github_repository() {
  repository="${1:-${WERCKER_GIT_OWNER-}}/${2:-${WERCKER_GIT_REPOSITORY-}}"
  case $repository in
    ?*/?*) ;;
    *) fail 'the repository is not known: write `owner: ...` and `repo: ...`' ;;
  esac
}

# github_id: the first id in $scratch/answer is that of what was made.
github_id() {
  tr ',{' '\n\n' <"$scratch/answer" | sed -n 's/^ *"id": *\([0-9][0-9]*\).*/\1/p' | head -n 1
}

github_refused() {
  case $http_status in
    401) fail "$1: GitHub does not know the token ($(http_said))" ;;
    403 | 404) fail "$1: the token may not do that, or there is no such place ($(http_said))" ;;
    *) fail "$1: $(http_said)" ;;
  esac
}
