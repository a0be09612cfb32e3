# One message to a webhook of Slack, or of what speaks like it (Mattermost, Rocket.Chat). Needs box.sh
# and http.sh.

# What ran, and how it ended: a link, and words.
run_kind() {
  if [ -n "${DEPLOY-}" ]; then echo deploy; else echo build; fi
}

run_result() {
  echo "${WERCKER_RESULT:-passed}"
}

# plain TEXT: as Slack takes what is no markup.
plain() {
  printf '%s' "$1" | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'
}

run_link() {
  printf '<%s|%s>' "${WERCKER_RUN_URL:-}" "$(run_kind)"
}

# is_wanted NOTIFY_ON BRANCHES: tells whether to speak of this result on this branch.
is_wanted() {
  if [ "$1" = failed ] && [ "$(run_result)" = passed ]; then
    info "nothing is said: this passed, and notify_on is failed"
    return 1
  fi
  [ -z "$2" ] && return 0
  case " $(printf '%s' "$2" | tr ',\n' '  ') " in
    *" ${WERCKER_GIT_BRANCH:-} "*) return 0 ;;
  esac
  info "nothing is said of the branch ${WERCKER_GIT_BRANCH:-}"
  return 1
}

# slack URL TEXT CHANNEL USERNAME ICON
slack() {
  make_scratch
  steer_color=good
  [ "$(run_result)" = passed ] || steer_color=danger
  {
    printf '{"username": %s' "$(json "${4:-steersman}")"
    [ -z "$3" ] || printf ', "channel": %s' "$(json "$3")"
    [ -z "$5" ] || printf ', "icon_url": %s' "$(json "$5")"
    printf ', "attachments": [{"color": "%s", "fallback": %s, "text": %s}]}\n' \
      "$steer_color" "$(json "$2")" "$(json "$2")"
  } >"$scratch/message"
  http POST "$1" "$scratch/message" application/json ''
  is_fine || fail "the message was not taken: $(http_said)"
  success "the message was sent"
}

# channel_name NAME: names are written without their sign in old files.
channel_name() {
  case $1 in
    '' | '#'* | '@'*) printf '%s' "$1" ;;
    *) printf '#%s' "$1" ;;
  esac
}
