# shellcheck shell=bash
# Speaking to a person, and asking the system for programs.

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
fail() {
  warn "$*"
  exit 1
}
installed() { command -v "$1" >/dev/null 2>&1; }

# apt_install PACKAGE…: false where that is not for us to do, or failed.
apt_install() {
  if [ "$(id -u)" != 0 ] || ! installed apt-get; then return 1; fi
  say "Installing $* from Debian's packages."
  # Services are not started by their installation: they would take ports.
  local policy=/usr/sbin/policy-rc.d made='' code=0 log
  log=$(mktemp)
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    made=yes
  fi
  {
    apt-get update &&
      DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
  } </dev/null >"$log" 2>&1 || code=$?
  if [ -n "$made" ]; then rm -f $policy; fi
  if [ $code != 0 ]; then tail -n 15 "$log" >&2; fi
  rm -f "$log"
  return $code
}
