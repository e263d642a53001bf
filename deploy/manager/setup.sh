# shellcheck shell=bash
# What has to be there before anything runs: Python, the pinned packages, the page.

PYTHON_WANTED=3.11

is_recent_python() {
  "$1" -c "import sys; sys.exit(sys.version_info < (${PYTHON_WANTED/./, }))" >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
    if is_recent_python "$candidate"; then
      say "$candidate"
      return
    fi
  done
  return 1
}

make_venv() {
  if is_recent_python "$VENV_PYTHON" && "$VENV_PYTHON" -m pip --version >/dev/null 2>&1; then return; fi
  local python advice="On Debian or Ubuntu: apt-get install python3 python3-venv"
  python=$(find_python) || {
    apt_install python3 python3-venv || true
    python=$(find_python) || fail "Python $PYTHON_WANTED or newer is needed. $advice"
  }
  if ! "$python" -c 'import ensurepip' >/dev/null 2>&1; then
    apt_install python3-venv || fail "Python's venv module is incomplete. $advice"
  fi
  if [ -e .venv ]; then say "The virtual environment in .venv does not work any more; making a new one."; fi
  rm -rf .venv
  "$python" -m venv .venv || fail "The virtual environment could not be made. $advice"
}

# install FILE: nothing when the same pins were installed before, which a copy of the file in .venv tells.
install() {
  local file=$1 done=.venv/$1.installed
  if cmp -s "$file" "$done"; then return; fi
  say "Installing what $file pins; the first time this takes a few minutes."
  rm -f "$done"
  "$VENV_PYTHON" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$file" ||
    fail "The packages of $file could not be installed; the lines above say why."
  cp "$file" "$done"
}

# build_page [again]: `start` tries once for the same sources, `setup` each time. The server runs without the page.
build_page() {
  if [ ! -f web/package.json ] || ! installed npm; then return 0; fi
  local log=$RUN_DIR/web-build.log
  mkdir -p "$RUN_DIR"
  if newer_than_page web/dist/index.html; then return; fi
  if [ "${1-}" != again ] && newer_than_page "$log"; then return; fi
  say "Building the page."
  if (cd web && npm ci --no-audit --no-fund && npm run build) </dev/null >"$log" 2>&1; then return; fi
  warn "The page could not be built; the API works without it. The end of $log:"
  tail -n 5 "$log" >&2
}

newer_than_page() {
  [ -f "$1" ] && [ -z "$(find web \( -name node_modules -o -name dist \) -prune -o -type f -newer "$1" -print | head -n 1)" ]
}

# prepare_browser: Chromium, and the page, whose own tests are run first.
prepare_browser() {
  if ! installed chromium && ! apt_install chromium; then
    warn "chromium is not installed: the tests that need it are skipped."
  fi
  build_page again
  if [ -d web/node_modules ]; then
    (cd web && npm test) || fail "The page's own tests fail; the lines above say where."
  fi
}

setup() {
  local dev=$1 page=$2
  exec 8<requirements.txt
  lock 8 .venv
  make_venv
  install requirements.txt
  if [ -n "$dev" ]; then install requirements-dev.txt; fi
  build_page "$page"
  exec 8<&-
}
