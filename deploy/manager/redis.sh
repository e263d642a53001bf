# shellcheck shell=bash
# The Redis of this folder: started where none answers, ended with the server.

# start_redis: starts one where STORE is on this machine, none answers and one is installed. Sets STORE to memory://
# where nobody asked for Redis and none can be had.
start_redis() {
  local code=0
  store_answers || code=$?
  case $code in
  0) return ;;
  3)
    warn "At $(store_name) another program answers, not Redis. The server starts without it and goes on asking."
    return
    ;;
  esac
  if ! [[ $STORE =~ ^redis://((default)?:([^@]*)@)?(localhost|127\.[0-9.]+|\[::1\])?(:([0-9]+))?(/|\?|$) ]]; then
    warn "No Redis answers at $(store_name). The server starts without it and goes on asking."
    return
  fi
  local password=${BASH_REMATCH[3]} host=${BASH_REMATCH[4]} port=${BASH_REMATCH[6]:-6379}
  if ! installed redis-server; then
    if [ -n "$STORE_CHOSEN" ]; then
      warn "No Redis answers at $(store_name), and none is installed here. The server starts without it and goes on asking."
    else
      say "No Redis is installed: sessions are kept in memory and end with the server."
      STORE=memory://
    fi
    return
  fi
  case $host in localhost | "") host=127.0.0.1 ;; esac
  if [ -z "$password" ]; then
    password=$(setting REDIS_PASSWORD "")
  else
    password=${password//\\/\\\\}
    password=$(printf '%b' "${password//%/\\x}")
  fi
  say "Starting Redis on port $port."
  local data=$DATA_DIR/redis run
  if [ ! -d "$DATA_DIR" ]; then
    mkdir -p "$(dirname "$DATA_DIR")"
    mkdir -m 700 "$DATA_DIR"
  fi
  mkdir -p "$data"
  run=$(cd -P "$RUN_DIR" && pwd)
  data=$(cd -P "$data" && pwd)
  say "$data" >"$run/redis.folder"
  # The password goes in by standard input, where nobody sees it in a list of processes.
  {
    cat deploy/redis.conf
    if [ -n "$password" ]; then
      password=${password//\\/\\\\}
      printf '\nrequirepass "%s"\n' "${password//\"/\\\"}"
    fi
  } | redis-server - --daemonize yes --bind "${host//[\[\]]/}" --port "$port" --dir "$data" \
    --pidfile "$run/redis.pid" --logfile "$run/redis.log" >/dev/null 9>&- || true
  local deadline=$((SECONDS + 10))
  while [ $SECONDS -lt $deadline ]; do
    if store_answers; then return; fi
    sleep 0.1
  done
  warn "Redis did not answer within 10 s; the end of $RUN_DIR/redis.log:"
  tail -n 5 "$RUN_DIR/redis.log" >&2 || true
  warn "The server starts without it and goes on asking."
}

stop_redis() {
  local pid
  pid=$(redis_pid) || return 0
  # At SIGTERM Redis completes its append-only file before it ends.
  end_process "$pid" 30 redis_pid "Redis"
  rm -f "$RUN_DIR/redis.pid" "$RUN_DIR/redis.folder"
}
