# expandenv: variables in a file, and nothing but variables.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  given input_file "$WERCKER_EXPANDENV_INPUT_FILE"
  given output_file "$WERCKER_EXPANDENV_OUTPUT_FILE"
  [ -f "$WERCKER_EXPANDENV_INPUT_FILE" ] || fail "there is no file $WERCKER_EXPANDENV_INPUT_FILE"
  make_scratch
  awk '{
    rest = $0; out = ""
    while (match(rest, /\$([A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})/)) {
      name = substr(rest, RSTART + 1, RLENGTH - 1)
      gsub(/[{}]/, "", name)
      out = out substr(rest, 1, RSTART - 1) ENVIRON[name]
      rest = substr(rest, RSTART + RLENGTH)
    }
    print out rest
  }' "$WERCKER_EXPANDENV_INPUT_FILE" >"$scratch/filled"
  cat "$scratch/filled" >"$WERCKER_EXPANDENV_OUTPUT_FILE"
)
