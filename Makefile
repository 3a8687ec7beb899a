# Two commands do everything on a machine with Python 3.11 and make: `make demo` and `make test`.
# Each makes a virtual environment in .venv and installs what it needs there.

VENV ?= .venv
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN = $(VENV)/bin
# Tests that need more than Python: `make e2e`.
EVERYWHERE = not containers and not browser and not nodered

.PHONY: help demo test lint format e2e bench clean

help:
	@echo "make demo   broker, simulated cloud and bridge on this machine (DEMO_SECONDS=20 stops by itself)"
	@echo "make test   the tests"
	@echo "make lint   ruff and mypy"
	@echo "make bench  how fast it is, as ratios"
	@echo "make e2e    the tests that need a container engine, Chromium or Node.js"

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	@$(BIN)/bluecurrent-fimp demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test: $(VENV)/.dev
	$(BIN)/pytest -m "$(EVERYWHERE)"

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

e2e: $(VENV)/.dev
	$(BIN)/pytest -m "not ($(EVERYWHERE))"

bench: $(VENV)/.dev
	@$(BIN)/python -m tests.benchmarks.speed

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
