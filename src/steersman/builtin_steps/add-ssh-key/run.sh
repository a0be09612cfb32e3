# add-ssh-key: the private key of a variable, for ssh and git.
steer_ssh=$(
  exec 3>&1 >&2
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  name=$WERCKER_ADD_SSH_KEY_KEYNAME
  # Never said back: it may be the key itself.
  is_name "$name" ||
    fail 'keyname must be the name of a key, such as DEPLOY for the variable DEPLOY_PRIVATE, without $'
  case $name in
    *_PRIVATE | *_PUBLIC) fail "write keyname without its ending: ${name%_*}" ;;
  esac
  eval "key=\${${name}_PRIVATE-}"
  [ -n "$key" ] || fail "the variable ${name}_PRIVATE, which should hold the key, is not set"
  folder=$(ssh_folder)
  make_private "$folder"
  file="$folder/$name"
  rm -f "$file"
  (umask 077 && printf '%b\n' "$key" >"$file")
  # ssh takes the first that fits, so that the later ones of a host are tried as well.
  {
    printf 'Host %s\n' "${WERCKER_ADD_SSH_KEY_HOST:-*}"
    printf '  IdentityFile %s\n' "$file"
  } >>"$folder/config"
  chmod 600 "$folder/config"
  info "the key $name is used for ${WERCKER_ADD_SSH_KEY_HOST:-every host}"
  [ "$folder" = "$HOME/.ssh" ] || printf '%s\n' "$folder" >&3
) || return
if [ -n "$steer_ssh" ]; then
  export GIT_SSH_COMMAND="ssh -F '$steer_ssh/config' -o UserKnownHostsFile='$steer_ssh/known_hosts'"
  export RSYNC_RSH="$GIT_SSH_COMMAND"
fi
unset steer_ssh
