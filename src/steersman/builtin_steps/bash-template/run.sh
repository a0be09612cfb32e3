# bash-template: each template is read by the shell as a here-document.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  into=$WERCKER_BASH_TEMPLATE_OUTPUT

  # In a shell of its own, where a variable that is not set is nothing and no mistake.
  fill() (
    set +u
    eval "cat <<STEERSMAN_END_OF_TEMPLATE
$(cat "$1")
STEERSMAN_END_OF_TEMPLATE
"
  )

  count=0
  # shellcheck disable=SC2086 # a pattern
  for file in $WERCKER_BASH_TEMPLATE_INPUT; do
    [ -f "$file" ] || continue
    plain=${file##*/}
    case $plain in
      *.template*) plain="${plain%%.template*}${plain#*.template}" ;;
    esac
    if [ -z "$into" ]; then
      target="$(dirname "$file")/$plain"
    elif [ -d "$into" ]; then
      target="${into%/}/$plain"
    else
      target=$into
    fi
    [ "$target" != "$file" ] && [ "$target" != "./$file" ] ||
      fail "$file has no .template in its name: say by \`output\` what is to be written"
    fill "$file" >"$target" || fail "$file could not be filled in"
    info "$file was filled in: $target"
    count=$((count + 1))
  done
  [ "$count" != 0 ] || fail "no file matches $WERCKER_BASH_TEMPLATE_INPUT"
)
