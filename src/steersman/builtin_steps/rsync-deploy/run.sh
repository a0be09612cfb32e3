# rsync-deploy: a folder, to a server.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  need rsync 'install it before, here and on the server'
  need ssh 'install openssh-client before'
  given host "$WERCKER_RSYNC_DEPLOY_HOST"
  given directory "$WERCKER_RSYNC_DEPLOY_DIRECTORY"
  by="${RSYNC_RSH:-ssh} -o BatchMode=yes -p $WERCKER_RSYNC_DEPLOY_SSHPORT"
  if [ -n "$WERCKER_RSYNC_DEPLOY_SSHKEY" ]; then
    [ -f "$WERCKER_RSYNC_DEPLOY_SSHKEY" ] || fail 'sshkey must name a file that holds the private key'
    chmod 600 "$WERCKER_RSYNC_DEPLOY_SSHKEY"
    by="$by -i '$WERCKER_RSYNC_DEPLOY_SSHKEY'"
  fi
  set -f
  # shellcheck disable=SC2086 # the words of the options
  set -- --archive --compress $WERCKER_RSYNC_DEPLOY_RSYNC_OPTIONS
  [ ! -f "$WERCKER_RSYNC_DEPLOY_EXCLUDE_FILE" ] ||
    set -- "$@" "--exclude-from=$WERCKER_RSYNC_DEPLOY_EXCLUDE_FILE"
  to="$WERCKER_RSYNC_DEPLOY_USER@$WERCKER_RSYNC_DEPLOY_HOST:$WERCKER_RSYNC_DEPLOY_DIRECTORY"
  info "copying $WERCKER_RSYNC_DEPLOY_SOURCE to $to"
  again rsync "$@" --rsh "$by" "$WERCKER_RSYNC_DEPLOY_SOURCE" "$to" ||
    fail "rsync failed, three times (is the host known? see the step add-to-known_hosts)"
)
