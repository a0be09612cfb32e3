# heroku-deploy: git over HTTPS, with the API key.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  . "$WERCKER_STEP_ROOT/git.sh"
  need git 'install it before'
  key=${WERCKER_HEROKU_DEPLOY_KEY:-${HEROKU_KEY-}}
  user=${WERCKER_HEROKU_DEPLOY_USER:-${HEROKU_USER:-steersman}}
  app=${WERCKER_HEROKU_DEPLOY_APP_NAME:-${HEROKU_APP_NAME-}}
  [ -n "$app" ] || fail 'the app is not known: write `app-name: ...`, or set HEROKU_APP_NAME'
  [ -n "$key" ] ||
    fail 'Heroku takes no git over SSH any more: write `key: $HEROKU_KEY`, the API key of the account'
  [ -z "$WERCKER_HEROKU_DEPLOY_KEY_NAME" ] ||
    warn 'key-name is without effect: Heroku takes no git over SSH any more, and key is used'
  [ -z "$WERCKER_HEROKU_DEPLOY_RUN" ] || need heroku 'the property run needs the Heroku CLI: use a box that has it'
  folder=${WERCKER_HEROKU_DEPLOY_SOURCE_DIR:-.}
  [ -d "$folder" ] || fail "there is no folder $folder (source_dir)"

  make_scratch
  server=${HEROKU_GIT_URL:-https://git.heroku.com}
  # The user is an e-mail address; @ would end it.
  git_login "$server" "$(printf '%s' "$user" | sed 's/@/%40/g')" "$key"
  send_folder "$folder" "$server/$app.git" "${HEROKU_BRANCH:-master}" "deploy ${WERCKER_GIT_COMMIT:-by hand}"
  if [ -n "$WERCKER_HEROKU_DEPLOY_RUN" ]; then
    export HEROKU_API_KEY="$key"
    heroku run --exit-code --no-tty --app "$app" -- "$WERCKER_HEROKU_DEPLOY_RUN"
  fi
)
