# pretty-slack-notify: the result, to a channel, with what was built.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  . "$WERCKER_STEP_ROOT/http.sh"
  . "$WERCKER_STEP_ROOT/slack.sh"
  if [ -z "$WERCKER_PRETTY_SLACK_NOTIFY_WEBHOOK_URL" ]; then
    [ -z "$WERCKER_PRETTY_SLACK_NOTIFY_TEAM$WERCKER_PRETTY_SLACK_NOTIFY_TOKEN" ] ||
      fail 'Slack has no webhooks of a team and a token any more: make an incoming webhook and write `webhook_url: ...`'
    given webhook_url ''
  fi
  branch=${WERCKER_GIT_BRANCH:-(none)}
  if [ -n "$WERCKER_PRETTY_SLACK_NOTIFY_BRANCHES" ] &&
    ! printf '%s\n' "$branch" | grep -q -E -e "$WERCKER_PRETTY_SLACK_NOTIFY_BRANCHES"; then
    info "nothing is said of the branch $branch"
    exit 0
  fi
  is_wanted "$WERCKER_PRETTY_SLACK_NOTIFY_NOTIFY_ON" '' || exit 0
  need_http
  commit=$(printf '%s' "${WERCKER_GIT_COMMIT-}" | cut -c 1-8)
  text="$(run_link) of ${WERCKER_APPLICATION_NAME:-this project} ($branch${commit:+, $commit})"
  text="$text by ${WERCKER_STARTED_BY:-somebody} $(run_result)"
  if [ "$(run_result)" = passed ]; then
    more=$WERCKER_PRETTY_SLACK_NOTIFY_PASSED_MESSAGE
  else
    text="$text: $(plain "${WERCKER_FAILED_STEP_DISPLAY_NAME-}: ${WERCKER_FAILED_STEP_MESSAGE-}")"
    more=$WERCKER_PRETTY_SLACK_NOTIFY_FAILED_MESSAGE
  fi
  [ -z "$more" ] || text="$text
$more"
  slack "$WERCKER_PRETTY_SLACK_NOTIFY_WEBHOOK_URL" "$text" \
    "$(channel_name "$WERCKER_PRETTY_SLACK_NOTIFY_CHANNEL")" \
    "$WERCKER_PRETTY_SLACK_NOTIFY_USERNAME" "$WERCKER_PRETTY_SLACK_NOTIFY_ICON_URL"
)
