# Every target says what it does in `make help`; each installs what it needs once and is instant afterwards.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export PORT ?= 8080
export PYTHON ?= python3
export PYTHONUNBUFFERED := 1

BIN := .venv/bin
SHELL_SCRIPTS := .ci/run $(shell find deploy tests -name '*.sh')
DOCKERFILES := $(shell find deploy -name 'Dockerfile' -o -name '*.Dockerfile')
YAML := $(wildcard docker-compose*.yml) $(shell find deploy -name '*.yml' -o -name '*.yaml')

.PHONY: help
help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: setup
setup: .venv/dev.stamp ## Install everything for development, as far as it is missing

.venv/%.stamp: requirements/%.txt deploy/devstack/setup.sh
	@deploy/devstack/setup.sh $*
	@touch $@

.venv/dev.stamp: tests/browser/package-lock.json

.PHONY: run
run: .venv/run.stamp ## Start everything on http://127.0.0.1:8080 (PORT=... for another); Ctrl-C stops it
	@exec $(BIN)/python -m deploy.devstack run --port $(PORT)

.PHONY: demo
demo: .venv/run.stamp ## Walk one booking through the running system
	@$(BIN)/python -m deploy.devstack demo

.PHONY: operate
operate: .venv/run.stamp ## Run an operator's command on the running system: make operate DO="doctor"
	@$(BIN)/python -m deploy.devstack operate $(DO)

.PHONY: test
test: .venv/dev.stamp ## All tests but the long ones
	$(BIN)/python -m pytest -m "not long" -n 3 --dist loadfile --ignore tests/compose --ignore tests/performance

.PHONY: test-unit
test-unit: .venv/dev.stamp ## The tests that need no server
	$(BIN)/python -m pytest tests/architecture tests/unit

.PHONY: test-long
test-long: .venv/dev.stamp ## The long tests: every zone for a year, many crashes, 100,000 texts under faults
	$(BIN)/python -m pytest -m long --ignore tests/compose --ignore tests/performance --timeout 1800
	$(BIN)/python -m pytest tests/compose -m long --timeout 1800

.PHONY: test-compose
test-compose: .venv/dev.stamp ## Bring docker-compose.yml up on a real engine, book through it, restart each part
	$(BIN)/python -m pytest tests/compose -m "not long" --timeout 1800

.PHONY: lint
lint: .venv/dev.stamp ## Format, types, imports, dependencies, dead code, shell, Docker and Compose files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/vulture
	$(BIN)/shellcheck $(SHELL_SCRIPTS)
	$(if $(DOCKERFILES),$(BIN)/hadolint $(DOCKERFILES))
	$(if $(YAML),$(BIN)/yamllint --strict $(YAML))
	$(if $(wildcard docker-compose.yml),$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml)

.PHONY: check
check: lint test ## What CI checks first: lint and test

.PHONY: release
release: .venv/dev.stamp ## Make dist/: the archive to run from, its bill of materials, checksums (DRAFT=--draft: from any tree)
	$(BIN)/python -m deploy.release $(DRAFT)

.PHONY: screenshots
screenshots: .venv/dev.stamp ## Take the README's pictures of the pages anew (EVERY=--every: of all pages, in all looks)
	$(BIN)/python -m tests.browser.pictures $(EVERY)

.PHONY: bench
bench: .venv/dev.stamp ## Latency and throughput beside the bare drivers
	$(BIN)/python -m tests.performance.booking
	$(BIN)/python -m tests.performance.availability
	$(BIN)/python -m tests.performance.courses
	$(BIN)/python -m tests.performance.screening
	$(BIN)/python -m tests.performance.texts
	$(BIN)/python -m tests.performance.simulate

# The first lock fixes the versions for all the others; `--upgrade` is the reader's decision: make lock UPGRADE=--upgrade
COMPILE = PATH="$(CURDIR)/.venv/lock/bin:$$PATH" uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
  --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links
RUNTIME := --extra booking --extra screening --extra notify
SAME := --constraint requirements/dev.txt

.PHONY: lock
lock: ## Write requirements/*.txt from pyproject.toml, keeping versions that still fit (UPGRADE=--upgrade takes newer)
	command -v uv >/dev/null || $(PYTHON) -m venv .venv/lock
	command -v uv >/dev/null || .venv/lock/bin/pip install --quiet uv
	$(COMPILE) $(UPGRADE) $(RUNTIME) --extra devstack --extra test --extra release --extra lint --extra bench -o requirements/dev.txt
	$(COMPILE) $(SAME) --extra booking -o requirements/booking.txt
	$(COMPILE) $(SAME) --extra screening -o requirements/screening.txt
	$(COMPILE) $(SAME) --extra notify -o requirements/notify.txt
	$(COMPILE) $(SAME) $(RUNTIME) --extra devstack -o requirements/run.txt
	$(COMPILE) $(SAME) $(RUNTIME) --extra devstack --extra test --extra release -o requirements/test.txt
	$(COMPILE) $(SAME) --extra lint -o requirements/lint.txt
