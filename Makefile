# One command for each thing a person wants: `make run`, `make test`; the rest is for those who work on it.
SHELL := /bin/bash
.DEFAULT_GOAL := run
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: run install test lint bench lock clean

run: install
	@$(BIN)/sleepbalance --data .demo demo

install: $(VENV)/.installed

test: $(VENV)/.tested-with lint
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest -n auto
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

lint: $(VENV)/.tested-with
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(VENV)/.benched-with
	@$(BIN)/python -m benchmarks.apple_health
	@$(BIN)/python -m benchmarks.archives
	@$(BIN)/python -m benchmarks.requests

lock: $(VENV)/.installed
	@$(PIP) install uv
	@for set in "requirements.lock --extra build" "requirements-dev.lock --extra dev" "requirements-bench.lock --extra bench"; do \
	  $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --python-version 3.11 --custom-compile-command "make lock" --upgrade pyproject.toml -o $$set || exit 1; done

clean:
	@rm -rf $(VENV) .demo .bench dist build

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "SleepBalance needs Python 3.11 or later. On Debian or Ubuntu: sudo apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv is missing. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "Setting up .venv (once)"
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.tested-with: $(VENV)/.installed requirements-dev.lock
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.benched-with: $(VENV)/.installed requirements-bench.lock
	@$(PIP) install --require-hashes -r requirements-bench.lock
	@touch $@
