# shellcheck shell=bash
# The server: started in the background or the foreground, ended, looked at.

READY_SECONDS=30
LOG_BYTES=10000000

start() {
  local no_redis=$1 pid
  lock_run_dir
  if pid=$(server_pid); then
    read_running
    say "The server is already running (pid $pid): $ADDRESS"
    return
  fi
  setup "" ""
  port_is_free || exit 1
  if [ -n "$no_redis" ]; then STORE=memory://; fi
  case $STORE in memory:*) ;; *) start_redis ;; esac
  case $STORE in memory:*) export REDIS_URL=$STORE ;; esac

  local log=$RUN_DIR/server.log
  if [ -f "$log" ] && [ "$(wc -c <"$log")" -gt $LOG_BYTES ]; then mv "$log" "$log.1"; fi
  local before=0
  if [ -f "$log" ]; then before=$(wc -l <"$log"); fi
  # A session of its own: neither Ctrl-C nor the end of the terminal reaches it.
  local detached=nohup
  if installed setsid; then detached=setsid; fi
  $detached "$VENV_PYTHON" server.py </dev/null >>"$log" 2>&1 9>&- &
  pid=$!
  say $pid >"$RUN_DIR/server.pid"
  printf '%s\n%s\n' "$ADDRESS" "$(store_name)" >"$RUN_DIR/server.started"

  local deadline=$((SECONDS + READY_SECONDS))
  until ready; do
    if ! kill -0 $pid 2>/dev/null; then
      local code=0
      wait $pid || code=$?
      warn "The server ended at its start (exit code $code). The end of $log:"
      tail -n "+$((before + 1))" "$log" | tail -n 20 >&2
      rm -f "$RUN_DIR/server.pid"
      exit 1
    fi
    if [ $SECONDS -ge $deadline ]; then
      warn "The server runs (pid $pid), but did not get ready within $READY_SECONDS s. The end of $log:"
      tail -n "+$((before + 1))" "$log" | tail -n 20 >&2
      warn "It goes on trying: ./process-manager.sh status tells how it is, ./process-manager.sh stop ends it."
      exit 1
    fi
    sleep 0.1
  done
  local header=
  case $(setting AUTH off | tr '[:upper:]' '[:lower:]') in on | 1 | true | yes) header=" -H 'Authorization: Bearer YOUR-KEY'" ;; esac
  say "The server is ready (pid $pid): $ADDRESS"
  say "Say something:"
  say "  curl $ADDRESS/chat -H 'Content-Type: application/json'$header -d '{\"message\": \"Weather in London?\", \"userId\": \"user123\"}'"
}

stop() {
  local keep_redis=$1 pid drain
  lock_run_dir
  if pid=$(server_pid); then
    drain=$(setting DRAIN_TIMEOUT 20)
    drain=${drain%%.*}
    [[ $drain =~ ^[0-9]+$ ]] || drain=20
    end_process "$pid" $((drain + 5)) server_pid "The server"
  else
    say "The server is not running."
  fi
  rm -f "$RUN_DIR/server.pid" "$RUN_DIR/server.started"
  if [ -z "$keep_redis" ]; then stop_redis; fi
}

status() {
  local pid code=0
  if pid=$(server_pid); then
    read_running
    say "server  running (pid $pid) at $ADDRESS"
    if ready; then
      say "ready   yes"
    else
      say "ready   NO"
      code=1
    fi
  else
    say "server  NOT RUNNING"
    say "ready   NO"
    code=1
  fi
  if [[ $STORE == memory:* ]]; then
    say "redis   none (sessions are kept in memory)"
  elif [ -x "$VENV_PYTHON" ] && store_answers; then
    local ours=
    if pid=$(redis_pid); then ours=" (pid $pid, started here)"; fi
    say "redis   answers at $(store_name)$ours"
  else
    say "redis   DOES NOT ANSWER at $(store_name)"
    code=1
  fi
  return $code
}

run_in_foreground() {
  local pid
  lock_run_dir
  if pid=$(server_pid); then
    read_running
    fail "The server is already running (pid $pid): $ADDRESS"
  fi
  setup "" ""
  # exec keeps the pid.
  say $$ >"$RUN_DIR/server.pid"
  printf '%s\n%s\n' "$ADDRESS" "$(store_name)" >"$RUN_DIR/server.started"
  exec 9<&-
  exec "$VENV_PYTHON" server.py
}
