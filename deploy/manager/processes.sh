# shellcheck shell=bash
# Which processes run, whether they answer, and how they end. One call at a time works on a RUN_DIR.

# lock FD WHAT: waits for another call at work on the same thing. The descriptor is the lock: children do not get it.
lock() {
  installed flock || return 0
  flock -n "$1" && return
  say "Another call is at work on $2; waiting for it."
  flock -w 900 "$1" || fail "It did not end within 15 minutes. Look for a process-manager.sh that hangs."
}

lock_run_dir() {
  mkdir -p "$RUN_DIR"
  exec 9<"$RUN_DIR"
  lock 9 "$RUN_DIR"
}

# runs PID PART FOLDER: whether that process is alive, has the part in its command line, and works in that folder. A
# stale pid may have become anything meanwhile, such as the server of another checkout.
runs() {
  local command
  [[ $1 =~ ^[1-9][0-9]*$ ]] || return 1
  if [ -d /proc/self ]; then
    command=$(tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline") || return 1
    [ "$(readlink "/proc/$1/cwd")" = "$3" ] || return 1
  else
    command=$(ps -p "$1" -o command= 2>/dev/null) || return 1
  fi
  [[ $command == *"$2"* ]]
}

# The first line of a file, however broken it is; empty when there is none.
line_of() { if [ -f "$1" ]; then head -c 4096 "$1" | tr -d '\0' | head -n 1; fi; }

server_pid() {
  local pid
  pid=$(line_of "$RUN_DIR/server.pid")
  runs "$pid" server.py "$PWD" && say "$pid"
}

redis_pid() {
  local pid
  pid=$(line_of "$RUN_DIR/redis.pid")
  runs "$pid" redis-server "$(line_of "$RUN_DIR/redis.folder")" && say "$pid"
}

# What the running server was started with, which need not be what the settings say by now.
read_running() {
  if [ -f "$RUN_DIR/server.started" ]; then
    { read -r ADDRESS && read -r STORE; } <"$RUN_DIR/server.started" || true
  fi
}

# The store's address without its password.
store_name() { sed -E 's#//[^@/]*@#//#' <<<"$STORE"; }

# ready: whether GET /ready answers 200 within 2 s.
ready() {
  "$VENV_PYTHON" -I - "$ADDRESS/ready" 2>/dev/null <<'EOT'
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.exit(opener.open(sys.argv[1], timeout=2).status != 200)
EOT
}

# port_is_free: whether the server could listen; else says why not.
port_is_free() {
  "$VENV_PYTHON" -I - "$HOST" "$PORT" <<'EOT'
import errno, socket, sys
host, port = sys.argv[1:]
if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
    sys.exit(f"PORT must be a number from 1 to 65535, got '{port}'.")
try:
    family, kind, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
except socket.gaierror:
    sys.exit(f"HOST must be an address of this machine, got '{host}'.")
except OSError as error:
    if error.errno != errno.EADDRINUSE:
        sys.exit(f"The server cannot listen at {host}:{port}: {error.strerror}.")
    sys.exit(f"Port {port} is taken by another program. Stop that, or choose another: PORT={int(port) % 65535 + 1} ./process-manager.sh start")
EOT
}

# store_answers: whether something speaks at STORE's (first) address. Code 3: it does, and is no Redis.
store_answers() {
  "$VENV_PYTHON" -I - "$STORE" 2>/dev/null <<'EOT'
import socket, sys
from urllib.parse import urlsplit
url = urlsplit(sys.argv[1])
if url.scheme == "unix":
    probe = socket.socket(socket.AF_UNIX)
    probe.settimeout(2)
    probe.connect(url.path)
else:
    first = urlsplit("//" + url.netloc.rpartition("@")[2].partition(",")[0])
    probe = socket.create_connection((first.hostname or "127.0.0.1", first.port or 6379), 2)
if url.scheme == "redis":
    probe.sendall(b"PING\r\n")
    # +PONG, or an error of its own: a password is wanted, data is being loaded.
    sys.exit(0 if probe.recv(1) in (b"+", b"-") else 3)
EOT
}

# end_process PID SECONDS ALIVE NAME: SIGTERM, and SIGKILL where ALIVE still holds after so many seconds.
end_process() {
  local deadline=$((SECONDS + $2))
  kill -TERM "$1" 2>/dev/null || true
  while "$3" >/dev/null; do
    if [ $SECONDS -ge $deadline ]; then
      warn "$4 (pid $1) did not end within $2 s; it is killed."
      # The whole process group where it has one of its own: its workers must not stay.
      kill -KILL -- "-$1" 2>/dev/null || kill -KILL "$1" 2>/dev/null || true
      while "$3" >/dev/null; do sleep 0.1; done
      return
    fi
    sleep 0.1
  done
  say "$4 (pid $1) has ended."
}
