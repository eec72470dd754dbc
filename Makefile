# Every command of this project. `make` alone lists them; .ci/ holds the scripts behind them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VIDEO ?=
PROFILE ?=
OUT ?= build/demo
ARCH ?=
PYTEST_ARGS ?=

BIN := .venv/bin
# Three at a time, on two cores: a third of the suite waits for processes and for real time, and two leave that third idle.
# A file stays on one worker, so what it sets up is set up once.
WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)
BROWSER_TESTS := $(wildcard tests/browser/test_*.py)

.PHONY: demo
demo: setup ## The whole job on a simulated unit (VIDEO=file PROFILE=name OUT=folder)
	@$(BIN)/recorder-sim demo --out '$(OUT)' $(if $(VIDEO),--video '$(VIDEO)') $(if $(PROFILE),--profile '$(PROFILE)')

.PHONY: test
test: setup browser lint ## Set-up, all checks, all tests but the soak
	@$(PYTEST) -m 'not soak'

.PHONY: check
check: setup lint ## The quick round: style, types, layers, unit and architecture tests
	@$(PYTEST) -m 'not soak and not system and not bench' $(wildcard tests/unit tests/architecture)

.PHONY: bench
bench: setup ## Measure; prints a table, writes build/bench.json
	@$(BIN)/python -m tests.bench

.PHONY: soak
soak: setup ## Tests that run for hours
	@$(PYTEST) -m soak -o timeout=0

.PHONY: tiers
tiers: setup ## As root: real drivers, the package under systemd, a whole machine
	@.ci/run a b c

.PHONY: deb
deb: ## The unit's Debian package, in dist/ (ARCH=arm64 on a PC, for the boards)
	@.ci/system-packages package $(filter-out $(shell dpkg --print-architecture),$(ARCH))
	@$(if $(ARCH),ARCH='$(ARCH)') systemd/packaging/build

.PHONY: lock
lock: setup ## Pin every dependency anew (UPGRADE=1 takes the newest)
	@.ci/lock

.PHONY: clean
clean: ## Remove what the commands above left behind, the environment excepted
	@rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What the commands stand on. Each is quick and silent when nothing is left to do.

.PHONY: setup
setup:
	@.ci/system-packages voice fonts tokens broker database
	@.ci/setup

.PHONY: browser
browser: setup
	@$(if $(BROWSER_TESTS),.ci/system-packages browser,:)

.PHONY: lint
lint: setup
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > build/lint-imports.log || { cat build/lint-imports.log; exit 1; }
