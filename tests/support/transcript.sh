# For scripts that hold transcripts against the binary; they set program and work.
export COLUMNS=80 LINES=24 NO_COLOR=1
unset COLORTERM XDG_STATE_HOME

# Runs the '>>> ' lines of standard input in a session of its own; echoes each with its output
# (with quiet, the output alone). A question without an answer parts the outputs: a
# statement would take part in what .export writes.
run_lines() { # [quiet]
  local line folder=$work/desk lines=()
  rm -rf "$folder"
  mkdir "$folder"
  while IFS= read -r line; do lines+=("${line#>>> }"); done
  for line in "${lines[@]}"; do printf '%s\n?@@\n' "$line"; done |
    (cd "$folder" && "$program" --isa v16 --threads 1 --keep-going - 2>&1) >"$work/printed" || true
  local i=0 excerpt
  [ -n "${1:-}" ] || echo ">>> ${lines[0]}"
  while IFS= read -r line; do
    if [[ $line == *"no help for '@@'"* ]]; then
      i=$((i + 1))
      read -r excerpt && read -r excerpt
      [ -n "${1:-}" ] || [ "$i" -ge "${#lines[@]}" ] || echo ">>> ${lines[$i]}"
    else
      printf '%s\n' "$line"
    fi
  done <"$work/printed"
}
