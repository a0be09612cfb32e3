# validate-wercker-step: is this a step?
(
  set -eu
  file=
  for each in step.yml wercker-step.yml; do
    if [ -z "$file" ] && [ -f "$each" ]; then file=$each; fi
  done
  [ -n "$file" ] || fail 'there is no step.yml (or wercker-step.yml)'
  for each in name version; do
    grep -q "^$each: *[^ ]" "$file" || fail "$file has no $each"
  done
  [ -f run.sh ] || [ -f init.sh ] || fail 'there is neither run.sh nor init.sh: such a step does nothing'
  success "$file is there, and something to run"
)
