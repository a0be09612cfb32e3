# s3sync: a folder, to a bucket. The key goes by a file or by variables.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  given bucket-url "$WERCKER_S3SYNC_BUCKET_URL"
  given key-id "$WERCKER_S3SYNC_KEY_ID"
  given key-secret "$WERCKER_S3SYNC_KEY_SECRET"
  case $WERCKER_S3SYNC_BUCKET_URL in
    s3://?*) ;;
    *) fail "$WERCKER_S3SYNC_BUCKET_URL is no bucket: write it as s3://name" ;;
  esac
  folder=${WERCKER_S3SYNC_SOURCE_DIR:-.}
  [ -d "$folder" ] || fail "there is no folder $folder (source-dir)"
  folder="${folder%/}/"
  make_scratch

  by_s3cmd() {
    # shellcheck disable=SC2086 # the words of opts
    set -- --config "$scratch/s3cfg" --no-progress --exclude '.git/*' $WERCKER_S3SYNC_OPTS "$@"
    ! is_on "$WERCKER_S3SYNC_DELETE_REMOVED" || set -- --delete-removed "$@"
    s3cmd sync "$@" "$folder" "$WERCKER_S3SYNC_BUCKET_URL"
  }
  by_aws() {
    for each in $WERCKER_S3SYNC_OPTS; do
      case $each in
        --acl-public | -P) set -- "$@" --acl public-read ;;
        --acl-private) set -- "$@" --acl private ;;
        --delete-removed) ;;
        *) set -- "$@" "$each" ;;
      esac
    done
    ! is_on "$WERCKER_S3SYNC_DELETE_REMOVED" || set -- "$@" --delete
    aws s3 sync --no-progress --exclude '.git/*' "$@" "$folder" "$WERCKER_S3SYNC_BUCKET_URL"
  }

  set -f
  info "sending $folder to $WERCKER_S3SYNC_BUCKET_URL"
  if command -v s3cmd >/dev/null 2>&1; then
    printf '[default]\naccess_key = %s\nsecret_key = %s\n' \
      "$WERCKER_S3SYNC_KEY_ID" "$WERCKER_S3SYNC_KEY_SECRET" >"$scratch/s3cfg"
    again by_s3cmd
  else
    need aws 'install s3cmd or awscli before, for example with the step install-packages'
    export AWS_ACCESS_KEY_ID="$WERCKER_S3SYNC_KEY_ID" AWS_SECRET_ACCESS_KEY="$WERCKER_S3SYNC_KEY_SECRET"
    [ -z "$WERCKER_S3SYNC_REGION" ] || export AWS_DEFAULT_REGION="$WERCKER_S3SYNC_REGION"
    again by_aws
  fi || fail 'the folder could not be sent, three times'
  success "the bucket holds what is in $folder"
)
