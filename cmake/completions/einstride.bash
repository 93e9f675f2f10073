# bash completion for einstride(1)
_einstride() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
  [[ $word == = ]] && word=
  [[ $before == = && $COMP_CWORD -gt 1 ]] && before=${COMP_WORDS[COMP_CWORD-2]}
  case $before in
    --isa) mapfile -t COMPREPLY < <(compgen -W 'auto v16 v32 v64' -- "$word"); return ;;
    --color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$word"); return ;;
    --max-mem | --threads | --seed | -c) return ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W '-c --json --keep-going --max-mem --threads --isa --seed
      --color --help --version' -- "$word")
  else
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -X '!*.es' -- "$word"; compgen -d -- "$word")
  fi
}
complete -F _einstride einstride
