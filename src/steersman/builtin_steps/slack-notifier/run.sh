# slack-notifier: the result, to a channel.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  . "$WERCKER_STEP_ROOT/http.sh"
  . "$WERCKER_STEP_ROOT/slack.sh"
  given url "$WERCKER_SLACK_NOTIFIER_URL"
  is_wanted "$WERCKER_SLACK_NOTIFIER_NOTIFY_ON" "$WERCKER_SLACK_NOTIFIER_BRANCH" || exit 0
  need_http
  text="$(run_link) of ${WERCKER_APPLICATION_NAME:-this project}"
  text="$text by ${WERCKER_STARTED_BY:-somebody} has $(run_result) on branch ${WERCKER_GIT_BRANCH:-(none)}"
  if [ "$(run_result)" != passed ] && [ -n "${WERCKER_FAILED_STEP_DISPLAY_NAME-}" ]; then
    text="$text, in the step $(plain "$WERCKER_FAILED_STEP_DISPLAY_NAME: ${WERCKER_FAILED_STEP_MESSAGE-}")"
  fi
  slack "$WERCKER_SLACK_NOTIFIER_URL" "$text" "$(channel_name "$WERCKER_SLACK_NOTIFIER_CHANNEL")" \
    "$WERCKER_SLACK_NOTIFIER_USERNAME" "$WERCKER_SLACK_NOTIFIER_ICON_URL"
)
