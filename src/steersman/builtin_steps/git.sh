# Sends a folder as a branch to a git server. Needs box.sh and $scratch.

# git_login SERVER USER SECRET: git reads the login from a file, never from its words.
git_login() {
  case $1 in
    https://* | http://*)
      (umask 077 && printf '%s\n' "${1%%://*}://$2:$3@${1#*://}" >"$scratch/login")
      ;;
    *) : >"$scratch/login" ;;
  esac
  export GIT_TERMINAL_PROMPT=0
}

_git() {
  git -c core.bare=false -c core.excludesFile= -c gc.auto=0 \
    -c credential.helper= -c "credential.helper=store --file=$scratch/login" \
    -c user.name="${WERCKER_STARTED_BY:-steersman}" -c user.email=steersman@localhost "$@"
}

# send_folder FOLDER URL BRANCH MESSAGE [KEEP]: makes the branch hold what is in the folder. The
# branch begins anew, unless KEEP is `history` or, where files that are gone stay, `files`.
send_folder() {
  git init --quiet --bare "$scratch/repository"
  (
    cd "$1" || exit
    export GIT_DIR="$scratch/repository" GIT_WORK_TREE="$PWD"
    _git symbolic-ref HEAD refs/heads/sent
    if [ -n "${5-}" ] && _git fetch --quiet --depth 1 "$2" "refs/heads/$3" 2>"$scratch/said"; then
      _git update-ref refs/heads/sent FETCH_HEAD
      _git read-tree FETCH_HEAD
    elif [ -n "${5-}" ] && ! grep -q -i "couldn't find remote ref" "$scratch/said"; then
      cat "$scratch/said" >&2
      fail "$2 cannot be read"
    fi
    if [ "${5-}" = files ]; then
      _git add --ignore-removal .
    else
      _git add --all .
    fi
    if _git rev-parse --quiet --verify HEAD >/dev/null && _git diff --cached --quiet HEAD; then
      info "the branch $3 holds just this already"
      exit 0
    fi
    _git commit --quiet --allow-empty --message "$4"
    if [ -n "${5-}" ]; then
      again _git push --quiet "$2" "HEAD:refs/heads/$3"
    else
      again _git push --quiet --force "$2" "HEAD:refs/heads/$3"
    fi || fail "the branch $3 could not be sent to $2"
    success "the branch $3 was sent to $2"
  )
}
