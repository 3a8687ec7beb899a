# The main targets are `make demo` and `make test`. They need Python 3.11 or newer and make, and nothing else.
# Each creates a virtual environment in .venv and installs its requirements there.

VENV ?= .venv
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN = $(VENV)/bin
# Tests that need more than Python: `make e2e`.
EVERYWHERE = not containers and not browser and not nodered and not brokers and not packages

.PHONY: help setup demo test lint format e2e dist lock image bench faults reliability fuzz audit sbom licences clean

help:
	@echo "make demo   broker, simulated cloud and bridge on this machine (DEMO_SECONDS=20 stops by itself)"
	@echo "make test   the tests (TESTS=tests/unit for some of them)"
	@echo "make lint   ruff and mypy"
	@echo "make bench  how fast it is, compared with what people would use instead (BENCH=\"--help\" for its options)"
	@echo "make faults random faults on both links of a bridge; make reliability measures for docs/reliability.md"
	@echo "make fuzz   fuzzes what reads bytes from outside (FUZZ_SECONDS=5 for a short run)"
	@echo "make audit  known faults of what is installed; make sbom, its bill of materials; make licences, the list"
	@echo "make e2e    the tests that need a container engine, Chromium, Node.js, RabbitMQ or a package index"
	@echo "make dist   wheel and source archive, in dist"
	@echo "make image  the container image bluecurrent-fimp"
	@echo "make lock   renews what the image installs: requirements.lock, requirements-build.lock"

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.demo

# Tools of single targets, which only these need. There is no wheel of atheris for some versions of Python.
$(VENV)/.fuzz: $(VENV)/.dev
	@$(BIN)/pip install --quiet --disable-pip-version-check atheris || echo "there is no atheris for this Python"
	@touch $@

$(VENV)/.audit: $(VENV)/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check pip-audit
	@touch $@

# What `.ci/run` installs before it runs several targets at the same time.
SETUP ?= dev fuzz audit

setup: $(addprefix $(VENV)/.,$(SETUP))

demo: $(VENV)/.demo
	@$(BIN)/bluecurrent-fimp demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test: $(VENV)/.dev
	$(BIN)/pytest --numprocesses=4 --dist=worksteal --durations=10 -m "$(EVERYWHERE)" $(TESTS)

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --python-version 3.11
	$(BIN)/mypy --python-version 3.13

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

e2e: $(VENV)/.dev
	$(BIN)/pytest --numprocesses=3 --dist=loadscope --durations=10 -m "not ($(EVERYWHERE))" tests/e2e tests/packaging

dist: $(VENV)/.dev
	$(BIN)/python -m build --outdir dist

image:
	docker build --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) --tag bluecurrent-fimp .

# Locks the newest versions that pyproject.toml allows, with the hashes of every wheel and source archive, so that one lock
# works for all processors. The demo's broker and the development tools are left out.
LOCK = $(BIN)/uv pip compile --quiet --upgrade --python-version 3.13 --python-platform linux --generate-hashes \
	--custom-compile-command 'make lock'

lock: $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(LOCK) --output-file requirements.lock pyproject.toml
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(LOCK) --output-file requirements-build.lock -

bench: $(VENV)/.dev
	@$(BIN)/python -m tests.benchmarks $(BENCH)

# Random faults on both links (tests/integration/faults): `make faults FAULTS="--seed 7 --shrink"`.
FAULTS ?= --seeds 50 --faults 1000

faults: $(VENV)/.dev
	@$(BIN)/python -m tests.integration.faults $(FAULTS)

# Runs the tests of promised times alone and without patience, and writes their figures into docs/reliability.md.
reliability: $(VENV)/.dev
	@$(BIN)/python -m tests.documentation.reliability $(RELIABILITY)

# Runs each fuzz target for FUZZ_SECONDS; `make fuzz FUZZ="frames gzip"` selects some. Results go to build/fuzz.
FUZZ_SECONDS ?= 3600

fuzz: $(VENV)/.fuzz
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(FUZZ)

# Known vulnerabilities of the packages in the image, from PyPI's advisory service. Where the service cannot be reached, the
# command says so and succeeds.
audit: $(VENV)/.audit
	@mkdir -p build && rm -f build/audit.json
	@$(BIN)/pip-audit --requirement requirements.lock --require-hashes --disable-pip --progress-spinner off --format json \
		--output build/audit.json; $(BIN)/python -m tests.packaging.supply_chain audit build/audit.json

# The bill of materials of the packages in the image, as CycloneDX.
sbom: $(VENV)/.dev
	@$(BIN)/pip install --quiet --disable-pip-version-check cyclonedx-bom
	@mkdir -p build
	@$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file build/sbom.cdx.json \
		requirements.lock 2>build/sbom.log || { cat build/sbom.log >&2; exit 1; }
	@$(BIN)/python -m tests.packaging.supply_chain sbom build/sbom.cdx.json

licences: $(VENV)/.dev
	@$(BIN)/python -m tests.documentation.licences > docs/licences.md.new && mv docs/licences.md.new docs/licences.md

clean:
	rm -rf $(VENV) .venv-* build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
