# kubectl: a command for a cluster. The login stands in a file that goes with the step.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  . "$WERCKER_STEP_ROOT/http.sh"
  given command "$WERCKER_KUBECTL_COMMAND"
  make_scratch

  fetch() {
    need_http
    processor=$(processor) || exit
    version=$WERCKER_KUBECTL_VERSION
    if [ -z "$version" ]; then
      download https://dl.k8s.io/release/stable.txt "$scratch/stable"
      version=$(cat "$scratch/stable")
    fi
    version="v${version#v}"
    case $version in
      *[!0-9A-Za-z.-]*) fail "$version is no version of kubectl" ;;
    esac
    PATH="${WERCKER_CACHE_DIR:-/tmp}/kubectl/$version:$PATH"
    [ ! -x "${PATH%%:*}/kubectl" ] || return 0
    info "fetching kubectl $version"
    download "https://dl.k8s.io/release/$version/bin/linux/$processor/kubectl" "$scratch/kubectl"
    download "https://dl.k8s.io/release/$version/bin/linux/$processor/kubectl.sha256" "$scratch/sum"
    checked "$scratch/kubectl" "$(cut -c 1-64 "$scratch/sum")"
    chmod 755 "$scratch/kubectl"
    mkdir -p "${PATH%%:*}"
    cp "$scratch/kubectl" "${PATH%%:*}/kubectl"
  }
  if [ -n "$WERCKER_KUBECTL_VERSION" ] || ! command -v kubectl >/dev/null 2>&1; then
    fetch
  fi

  here() {
    case $1 in
      /*) json "$1" ;;
      *) json "$PWD/$1" ;;
    esac
  }
  cluster() {
    printf '"server": %s' "$(json "$WERCKER_KUBECTL_SERVER")"
    if is_on "$WERCKER_KUBECTL_INSECURE_SKIP_TLS_VERIFY"; then
      printf ', "insecure-skip-tls-verify": true'
    elif [ -n "$WERCKER_KUBECTL_CERTIFICATE_AUTHORITY" ]; then
      printf ', "certificate-authority": %s' "$(here "$WERCKER_KUBECTL_CERTIFICATE_AUTHORITY")"
    fi
  }
  user() {
    printf '"username": %s' "$(json "$WERCKER_KUBECTL_USERNAME")"
    [ -z "$WERCKER_KUBECTL_TOKEN" ] || printf ', "token": %s' "$(json "$WERCKER_KUBECTL_TOKEN")"
    [ -z "$WERCKER_KUBECTL_PASSWORD" ] || printf ', "password": %s' "$(json "$WERCKER_KUBECTL_PASSWORD")"
    [ -z "$WERCKER_KUBECTL_CLIENT_CERTIFICATE" ] ||
      printf ', "client-certificate": %s' "$(here "$WERCKER_KUBECTL_CLIENT_CERTIFICATE")"
    [ -z "$WERCKER_KUBECTL_CLIENT_KEY" ] ||
      printf ', "client-key": %s' "$(here "$WERCKER_KUBECTL_CLIENT_KEY")"
  }
  set -- --kubeconfig "$scratch/config"
  if [ -n "$WERCKER_KUBECTL_SERVER" ]; then
    {
      printf '{"apiVersion": "v1", "kind": "Config", "current-context": "step",\n'
      printf ' "clusters": [{"name": "step", "cluster": {%s}}],\n' "$(cluster)"
      printf ' "users": [{"name": "step", "user": {%s}}],\n' "$(user)"
      printf ' "contexts": [{"name": "step", "context": {"cluster": "step", "user": "step"}}]}\n'
    } >"$scratch/config"
  elif [ -n "$WERCKER_KUBECTL_TOKEN$WERCKER_KUBECTL_USERNAME$WERCKER_KUBECTL_CLIENT_CERTIFICATE" ]; then
    fail 'there is a login but no server: write `server: ...` with the address of the cluster'
  else
    # As kubectl does by itself: KUBECONFIG, ~/.kube/config, or the pod's own account.
    set --
  fi
  [ -z "$WERCKER_KUBECTL_NAMESPACE" ] || set -- "$@" --namespace "$WERCKER_KUBECTL_NAMESPACE"

  flags() {
    for name in file output template patch image timeout update-period deployment-label-key \
      poll-interval rollback replicas current-replicas resource-version pod container stdin tty \
      grace-period selector all overwrite; do
      eval "value=\$WERCKER_KUBECTL_$(printf '%s' "$name" | tr 'a-z-' 'A-Z_')"
      [ "$name" != file ] || name=filename
      # Quoted, as the whole line is read by the shell once more.
      [ -z "$value" ] || printf " '--%s=%s'" "$name" "$(printf '%s' "$value" | sed "s/'/'\\\\''/g")"
    done
  }
  ask() {
    line="kubectl \"\$@\" $WERCKER_KUBECTL_RAW_GLOBAL_ARGS $1"
    shift
    ! is_on "$WERCKER_KUBECTL_DEBUG" || info "$line"
    eval "$line"
  }
  kubectl version --client || :
  ask "$WERCKER_KUBECTL_COMMAND$(flags) $WERCKER_KUBECTL_RAW_ARGS" "$@"
  [ -z "$WERCKER_KUBECTL_STATUS_COMMAND" ] || ask "$WERCKER_KUBECTL_STATUS_COMMAND" "$@"
)
