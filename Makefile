# Everything that a checkout needs: Python (3.10 or newer, with venv), make and git.
# Another Python: make quickstart PYTHON=python3.12
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-cpu.txt
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help quickstart test check clean

help:
	@echo "make quickstart   train, decode and score a small system (about three minutes)"
	@echo "make test         run the tests"
	@echo "make check        format, lint, types, direction of imports"
	@echo "make clean        remove what these commands made, but not the runs"

quickstart: $(VENV)/installed
	$(BIN)/signkit run quickstart

# One thread a process: the tests are small, and run side by side.
test: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "signkit needs Python 3.10 or newer: make PYTHON=/path/to/python3.10"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "cannot make a virtual environment with $(PYTHON): is its venv module installed?"; exit 1; }

$(VENV)/installed: $(BIN)/python pyproject.toml setup.py constraints-cpu.txt
	@echo "installing signkit into $(VENV), which takes a minute or two"
	@$(PIP) -e '.[train]'
	@touch $@

$(VENV)/installed-dev: $(BIN)/python pyproject.toml setup.py constraints-cpu.txt
	@echo "installing signkit and its development tools into $(VENV), which takes a minute or two"
	@$(PIP) -e '.[dev]'
	@touch $(VENV)/installed $@
