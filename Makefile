# make check   what every commit passes
# make audit   known vulnerabilities of all that is pinned; fails too where the services that know them can't be asked
# make lock    requirements*.txt from requirements*.in (delete the .txt first to take newer versions)

BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url

.PHONY: check audit lock

check:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

audit:
	$(BIN)/python deploy/audit.py

lock:
	$(COMPILE) requirements.in --output-file requirements.txt
	$(COMPILE) requirements-dev.in --output-file requirements-dev.txt
