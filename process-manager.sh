#!/usr/bin/env bash
# Installs, starts, watches and tests the server; `./process-manager.sh help` lists the commands.
set -euo pipefail
cd -P "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

VENV_PYTHON=.venv/bin/python
for part in basics setup processes redis server; do
  # shellcheck source=/dev/null
  source "deploy/manager/$part.sh"
done

usage() {
  cat <<'EOT'
Usage: ./process-manager.sh COMMAND

  setup [--dev]             make .venv, install the pinned requirements, build the page where Node.js is found
  start [--no-redis]        set up what is missing, start Redis where none answers, then the server
  stop [--keep-redis]       end the server (running chats are finished first), and the Redis that was started here
  restart [--no-redis]      stop and start the server; Redis stays
  status                    what runs; the exit code is not 0 when something is down
  run                       the server in the foreground
  monitor                   a live page in the terminal
  logs [-f] [server|redis]  the last lines of a log; -f follows it
  demo                      a guided tour of a session's life
  test [--faults|--slow|--browser] [ARGUMENTS OF PYTEST]
  help                      this page

HOST, PORT, REDIS_URL, DATA_DIR, RUN_DIR and the rest are read from the environment, else from the file .env.
EOT
}

wrong_usage() {
  warn "$1"
  usage >&2
  exit 2
}

# setting NAME DEFAULT: from the environment, else from .env, else the default. Empty means unset.
setting() {
  local value=
  if [ -n "${!1+set}" ]; then
    value=${!1}
  elif [ -f .env ]; then
    value=$(sed -nE "s/^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*=[[:space:]]*//p" .env | tail -n 1)
    case $value in
    \"*) value=${value#\"} value=${value%%\"*} ;;
    \'*) value=${value#\'} value=${value%%\'*} ;;
    *) value=$(sed -E 's/(^|[[:space:]]+)#.*//; s/[[:space:]]+$//' <<<"$value") ;;
    esac
  fi
  printf '%s' "${value:-$2}"
}

# shellcheck disable=SC2034  # the parts in deploy/manager read them
read_settings() {
  HOST=$(setting HOST 127.0.0.1)
  PORT=$(setting PORT 3000)
  DATA_DIR=$(setting DATA_DIR ./data)
  RUN_DIR=$(setting RUN_DIR ./.run)
  case $HOST in
  0.0.0.0) ADDRESS=http://127.0.0.1:$PORT ;;
  ::) ADDRESS="http://[::1]:$PORT" ;;
  *:*) ADDRESS="http://[$HOST]:$PORT" ;;
  *) ADDRESS=http://$HOST:$PORT ;;
  esac
  STORE=$(setting REDIS_URL "")
  STORE_CHOSEN=$STORE$(setting REDIS_HOST "")$(setting REDIS_PORT "")
  if [ -z "$STORE" ]; then
    STORE=redis://$(setting REDIS_HOST 127.0.0.1):$(setting REDIS_PORT 6379)/0
  fi
}

logs() {
  local follow='' name=server
  while [ $# -gt 0 ]; do
    case $1 in
    -f | --follow) follow=-F ;;
    server | redis) name=$1 ;;
    *) wrong_usage "logs takes -f and one of server and redis, not '$1'." ;;
    esac
    shift
  done
  local log=$RUN_DIR/$name.log
  if [ -z "$follow" ] && [ ! -f "$log" ]; then fail "There is no $log: $name was not started from here yet."; fi
  exec tail -n 100 ${follow:+"$follow"} "$log"
}

monitor() {
  setup "" ""
  if server_pid >/dev/null; then read_running; fi
  exec "$VENV_PYTHON" -m api.monitor --url "$ADDRESS" --log "$RUN_DIR/server.log" "$@"
}

run_tests() {
  setup dev ""
  if ! installed redis-server && ! apt_install redis-server; then
    warn "redis-server is not installed: the tests that need it are skipped."
  fi
  case ${1-} in
  --faults | --slow | --browser)
    local marker=${1#--}
    shift
    if [ "$marker" = browser ]; then prepare_browser; fi
    set -- -m "$marker" "$@"
    ;;
  esac
  exec "$VENV_PYTHON" -m pytest "$@"
}

# flag WANTED NAME ARGUMENTS…: "yes" where the only argument is the wanted one, nothing where there is none.
flag() {
  local wanted=$1 name=$2
  shift 2
  case $# in
  0) return ;;
  1) if [ "$1" = "$wanted" ]; then
    say yes
    return
  fi ;;
  esac
  wrong_usage "$name takes ${wanted:-no arguments}, not '$*'."
}

main() {
  local command=${1-} option
  if [ $# -gt 0 ]; then shift; fi
  read_settings
  case $command in
  setup)
    option=$(flag --dev setup "$@")
    setup "$option" again
    ;;
  start)
    option=$(flag --no-redis start "$@")
    start "$option"
    ;;
  stop)
    option=$(flag --keep-redis stop "$@")
    stop "$option"
    ;;
  restart)
    option=$(flag --no-redis restart "$@")
    stop keep
    start "$option"
    ;;
  status)
    flag "" status "$@"
    status
    ;;
  run)
    flag "" run "$@"
    run_in_foreground
    ;;
  monitor) monitor "$@" ;;
  logs) logs "$@" ;;
  demo)
    setup "" ""
    exec "$VENV_PYTHON" session_demo.py "$@"
    ;;
  test) run_tests "$@" ;;
  help | -h | --help) usage ;;
  "") wrong_usage "A command is missing." ;;
  *) wrong_usage "There is no command '$command'." ;;
  esac
}

main "$@"
