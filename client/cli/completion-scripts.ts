/**
 * The scripts that shells source. Each hands the words to `mosaic-backup complete -- WORDS…`, as they are and
 * without eval, so that nothing that stands on a half-written line is ever run. The last line may be `:files` or
 * `:folders`: then the shell completes those itself.
 */

const BASH = `# bash completion of mosaic-backup
_mosaic_backup() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o default ;;
      :folders) compopt -o dirnames ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _mosaic_backup mosaic-backup
`;

const ZSH = `#compdef mosaic-backup
# zsh completion of mosaic-backup
_mosaic_backup() {
  local line
  local -a values
  while IFS= read -r line; do
    case $line in
      :files) _files; return ;;
      :folders) _files -/; return ;;
      *) values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done < <("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe mosaic-backup values
}
if [[ \${funcstack[1]} == _mosaic_backup ]]; then
  _mosaic_backup "$@"
else
  compdef _mosaic_backup mosaic-backup
fi
`;

const FISH = `# fish completion of mosaic-backup
function __mosaic_backup_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    for line in ($program complete -- $words "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path $current
            case ':folders'
                __fish_complete_directories $current
            case '*'
                echo $line
        end
    end
end
complete -c mosaic-backup -f -a '(__mosaic_backup_complete)'
`;

export const COMPLETION_SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;
export type Shell = keyof typeof COMPLETION_SCRIPTS;

export function isShell(name: string): name is Shell {
  return Object.hasOwn(COMPLETION_SCRIPTS, name);
}
