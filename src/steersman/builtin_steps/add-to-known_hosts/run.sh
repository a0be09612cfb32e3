# add-to-known_hosts: keys that a host shows, when their fingerprint is the one that is known.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  host=$WERCKER_ADD_TO_KNOWN_HOSTS_HOSTNAME
  given hostname "$host"
  case $host in
    -*) fail "$host is no host" ;;
  esac
  for each in ssh-keyscan ssh-keygen; do
    need "$each" 'install openssh-client (Debian, Alpine) or openssh-clients (Fedora) before'
  done
  make_scratch

  # A key-scan that nobody answers ends well.
  scan() {
    ssh-keyscan -T 10 -p "$WERCKER_ADD_TO_KNOWN_HOSTS_PORT" -t "$WERCKER_ADD_TO_KNOWN_HOSTS_TYPE" \
      "$host" 2>"$scratch/said" | grep -v '^#' >"$scratch/keys"
    [ -s "$scratch/keys" ]
  }
  again scan || fail "$host shows no key of type $WERCKER_ADD_TO_KNOWN_HOSTS_TYPE: $(tail -n 1 "$scratch/said")"

  wanted=$WERCKER_ADD_TO_KNOWN_HOSTS_FINGERPRINT
  : >"$scratch/trusted"
  : >"$scratch/seen"
  while IFS= read -r line; do
    printf '%s\n' "$line" >"$scratch/key"
    sha=$(ssh-keygen -l -E sha256 -f "$scratch/key" | awk '{ print $2 }')
    md5=$(ssh-keygen -l -E md5 -f "$scratch/key" | awk '{ print $2 }')
    printf '%s\n' "$sha" >>"$scratch/seen"
    case $wanted in
      '' | "$sha" | "${sha#SHA256:}" | "$md5" | "${md5#MD5:}") printf '%s\n' "$line" >>"$scratch/trusted" ;;
    esac
  done <"$scratch/keys"
  [ -s "$scratch/trusted" ] ||
    fail "no key of $host has the fingerprint $wanted; they have $(tr '\n' ' ' <"$scratch/seen")"
  [ -n "$wanted" ] ||
    warn "$host is trusted without a fingerprint; it has $(tr '\n' ' ' <"$scratch/seen")"

  folder=$(ssh_folder)
  make_private "$folder"
  cat "$scratch/trusted" >>"$folder/known_hosts"
  # For other users of the box, to whom a step may hand over.
  if [ "$folder" = "$HOME/.ssh" ] && [ "$(id -u)" = 0 ] && [ -d /etc/ssh ]; then
    cat "$scratch/trusted" >>/etc/ssh/ssh_known_hosts
  fi
  info "$host is known now"
)
