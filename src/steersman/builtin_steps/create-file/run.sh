# create-file: a file with a given content, which may be secret: printf is the shell's own, so that
# it is never among the words of a process.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  file=$WERCKER_CREATE_FILE_FILENAME
  given filename "$file"
  if [ -e "$file" ] && ! is_on "$WERCKER_CREATE_FILE_OVERWRITE"; then
    fail "$file is there already; write \`overwrite: true\` to replace it"
  fi
  case $file in
    */*) mkdir -p "${file%/*}" ;;
  esac
  printf '%b\n' "$WERCKER_CREATE_FILE_CONTENT" >"$file" || fail "cannot write $file"
  success "$file was written"
)
