# The two commands of this project are `make run` and `make test`; `make help` lists the others.
# Needed: Linux, GNU make, Python 3.11 or newer. Everything else is installed by `make setup`, into this folder only.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
NODE_BIN := $(CURDIR)/$(VENV)/node
FRONTEND_SOURCES := $(shell find frontend/src frontend/public frontend/index.html frontend/*.ts -type f 2>/dev/null)
PYTHON_SOURCES := $(shell find $(dir $(wildcard */apps.py)) -name '*.py' -not -path '*/tests/*')
COMPILED := $(or $(NUMBA_CACHE_DIR),eventstore/kernels/__pycache__)/compiled
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

.PHONY: run
run: setup ## Start the whole platform; Ctrl-C stops it
	@exec $(BIN)/python -m tradingplatform.local run

.PHONY: test
test: setup lint test-frontend test-python ## Run every test, real servers and a real browser included

.PHONY: setup
setup: $(VENV)/installed $(VENV)/node $(VENV)/dynamodb/DynamoDBLocal.jar frontend/dist/index.html tests/browser/node_modules/installed $(COMPILED) ## Install and compile everything that the platform needs

.PHONY: lint
lint: setup ## Check style, types and imports
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --config .importlinter | tail -n 3
	@cd frontend && PATH="$(NODE_BIN):$$PATH" npm run --silent lint

.PHONY: test-frontend
test-frontend: setup ## Run the front end's unit tests
	@cd frontend && PATH="$(NODE_BIN):$$PATH" npm run --silent test

.PHONY: test-python
test-python: setup ## Run the Python tests, end-to-end tests included
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: fuzz
fuzz: setup ## Send what nobody should through every way in, for MINUTES (5); SEED and EXAMPLES are settings, too
	@$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED))
	@API_EXAMPLES=$(or $(EXAMPLES),100) API_SEED=$(or $(SEED),1) $(BIN)/python -m pytest -q tests/e2e/test_api_contract.py

.PHONY: chaos
chaos: setup ## Kill every process of a platform under load, for some minutes (ARGS="--minutes 20 --seed 1 --event-store dynamodb")
	@$(BIN)/python -m tests.chaos $(ARGS)

.PHONY: year
year: setup ## Replay a year of sessions with orders, fees, splits and dividends, and check the books (ARGS="--sessions 20")
	@$(BIN)/python -m tests.year $(ARGS)

.PHONY: status
status: setup ## Say whether the platform runs, where, and how its processes are
	@$(BIN)/python -m tradingplatform.local status

.PHONY: bench
bench: setup ## Measure, and write benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks

.PHONY: format
format: setup ## Format the Python code
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

.PHONY: schema
schema: setup ## Write tradingplatform/schema.graphql and the types of the front end anew
	@$(BIN)/python manage.py graphql_schema --schema tradingplatform.schema.schema --out tradingplatform/schema.graphql
	@$(BIN)/python manage.py frontend_types

.PHONY: reset
reset: setup ## Remove all data of the local platform (asks; YES=1 does not)
	@$(BIN)/python -m tradingplatform.local reset

# What setup is made of: each file is made again when what it is made from changes.

$(VENV)/installed: requirements.txt requirements-dev.txt constraints.txt scripts/setup.sh
	@scripts/setup.sh python $(VENV)

$(VENV)/node: $(VENV)/installed scripts/setup.sh
	@scripts/setup.sh node $(VENV)

$(VENV)/dynamodb/DynamoDBLocal.jar: | $(VENV)/node
	@scripts/setup.sh dynamodb $(VENV)

frontend/node_modules/installed: frontend/package.json frontend/package-lock.json | $(VENV)/node
	@scripts/setup.sh packages $(VENV) frontend

frontend/dist/index.html: frontend/node_modules/installed $(FRONTEND_SOURCES)
	@scripts/setup.sh build $(VENV) frontend

tests/browser/node_modules/installed: tests/browser/package.json tests/browser/package-lock.json | $(VENV)/node
	@scripts/setup.sh packages $(VENV) tests/browser

# It is in the folder of the compiled kernels, so it goes with them. Where that may not be written to, it is never there,
# and each call looks whether there is anything to compile.
$(COMPILED): $(VENV)/installed $(PYTHON_SOURCES)
	@$(BIN)/python -m tradingplatform.kernels
	@touch $@ 2>/dev/null || true
