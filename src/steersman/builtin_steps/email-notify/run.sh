# email-notify: the result, by mail. The password goes by the input of curl.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  result=${WERCKER_RESULT:-passed}
  case $WERCKER_EMAIL_NOTIFY_ON in
    "$result" | always | '') ;;
    *)
      info "nothing is said: this $result"
      exit 0
      ;;
  esac
  need curl 'install it before'
  subject="${WERCKER_APPLICATION_NAME:-this project} $result on branch ${WERCKER_GIT_BRANCH:-(none)}"
  body="${WERCKER_RUN_URL-}"
  if [ "$result" = passed ]; then
    subject=${WERCKER_EMAIL_NOTIFY_PASSED_SUBJECT:-$subject}
    body=${WERCKER_EMAIL_NOTIFY_PASSED_BODY:-$body}
  else
    subject=${WERCKER_EMAIL_NOTIFY_FAILED_SUBJECT:-$subject}
    body=${WERCKER_EMAIL_NOTIFY_FAILED_BODY:-"${WERCKER_FAILED_STEP_DISPLAY_NAME-}: ${WERCKER_FAILED_STEP_MESSAGE-}
$body"}
  fi
  case $WERCKER_EMAIL_NOTIFY_HOST in
    *:465) server="smtps://$WERCKER_EMAIL_NOTIFY_HOST" ;;
    *:*) server="smtp://$WERCKER_EMAIL_NOTIFY_HOST" ;;
    *) server="smtp://$WERCKER_EMAIL_NOTIFY_HOST:587" ;;
  esac

  make_scratch
  # A header ends with its line: nothing of the subject may begin another.
  {
    printf 'From: %s\r\nTo: %s\r\n' "$WERCKER_EMAIL_NOTIFY_FROM" "$WERCKER_EMAIL_NOTIFY_TO"
    printf 'Subject: %s\r\n' "$(printf '%s' "$subject" | tr '\r\n' '  ')"
    printf 'Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n' "$body"
  } >"$scratch/mail"
  words() {
    printf 'url = %s\nssl-reqd\nupload-file = %s\n' "$(json "$server")" "$(json "$scratch/mail")"
    printf 'user = %s\n' "$(json "$WERCKER_EMAIL_NOTIFY_USERNAME:$WERCKER_EMAIL_NOTIFY_PASSWORD")"
    printf 'mail-from = %s\n' "$(json "$WERCKER_EMAIL_NOTIFY_FROM")"
    printf '%s\n' "$WERCKER_EMAIL_NOTIFY_TO" | tr ',' '\n' | while read -r each; do
      [ -z "$each" ] || printf 'mail-rcpt = %s\n' "$(json "$each")"
    done
  }
  send() {
    words | curl --silent --show-error --max-time 120 --config -
  }
  again send || fail "the mail could not be sent by $WERCKER_EMAIL_NOTIFY_HOST"
  success "the mail was sent to $WERCKER_EMAIL_NOTIFY_TO"
)
