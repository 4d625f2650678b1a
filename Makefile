# Everything that a checkout needs: Python (3.10 or newer, with venv), make and git.
# Another Python: make quickstart PYTHON=python3.12
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 2
# One thread a process: the tests are small, and run side by side. Threads of libraries that wait do not spin.
PYTEST = OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help quickstart test check web clean lock test-latest

help:
	@echo "make quickstart   train, decode and score a small system (about three minutes)"
	@echo "make test         run the tests (about six minutes)"
	@echo "                  in about two: make test ARGS='-m \"not slow\"'"
	@echo "make check        format, lint, types, direction of imports"
	@echo "make web          fetch by npm what the page of signkit live loads, before pip install"
	@echo "make clean        remove what these commands made, but not the runs"
	@echo "For maintainers, see CONTRIBUTING.md: make test-latest, make lock"

quickstart: $(VENV)/installed
	$(BIN)/signkit run quickstart

test: $(VENV)/installed-dev
	$(PYTEST)

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -d web/node_modules ]; then cd web && npm run --silent lint; \
	  else echo "the page's scripts are not checked: make web was not run"; fi

# The libraries of the page of `signkit live`, exactly the releases of web/package-lock.json. No script of a
# package is run.
web:
	@command -v npm > /dev/null || { echo "make web needs npm: install Node.js"; exit 1; }
	@cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm run --silent vendor
	@echo "built: $(PAGE)/vendor"

PAGE := signkit/commands/live/page

clean:
	rm -rf $(VENV) .venv-latest .venv-lock build dist *.egg-info web/node_modules $(PAGE)/vendor \
	  .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# The tests with the newest release of every dependency, in an environment of its own. HELD names a file of
# constraints, for a machine that should not take the newest torch: HELD=constraints/torch-cpu.txt
test-latest:
	@$(MAKE) --no-print-directory VENV=.venv-latest newest
	@$(MAKE) --no-print-directory VENV=.venv-latest ARGS='--hypothesis-profile=default $(ARGS)' tested

# The newest release of every dependency but torch becomes the set of this Python, if the tests pass with it.
lock:
	@rm -rf .venv-lock
	@$(MAKE) --no-print-directory VENV=.venv-lock HELD=constraints/torch-cpu.txt newest locked
	@rm -rf .venv-lock

.PHONY: newest tested locked
newest: $(BIN)/python
	@echo "installing the newest of everything into $(VENV)"
	@$(PIP) --upgrade setuptools $(HELD:%=-c %)
	@$(PIP) --upgrade --upgrade-strategy eager --no-build-isolation $(HELD:%=-c %) -e '.[dev]'

tested:
	$(PYTEST)

locked:
	@set=constraints/python$$($(BIN)/python -c '$(MINOR)').txt; \
	  if [ -f $$set ]; then cp $$set $(VENV)/before; fi; \
	  { echo "# What make installs with this minor version of Python: all tests passed. Renewed by: make lock"; \
	    $(BIN)/python -m pip --disable-pip-version-check list --format=freeze --exclude pip --exclude signkit \
	      2> /dev/null | sed 's/+.*//'; } > $$set; \
	  if $(PYTEST); then echo "written: $$set"; \
	  else mv $(VENV)/before $$set 2> /dev/null || rm $$set; echo "$$set is as it was"; exit 1; fi

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "signkit needs Python 3.10 or newer: make PYTHON=/path/to/python3.10"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "cannot make a virtual environment with $(PYTHON): is its venv module installed?"; exit 1; }

$(VENV)/installed: $(BIN)/python pyproject.toml setup.py $(wildcard constraints/*.txt)
	@echo "installing signkit into $(VENV), which takes a minute or two"
	@$(call install,train)
	@touch $@

$(VENV)/installed-dev: $(BIN)/python pyproject.toml setup.py $(wildcard constraints/*.txt)
	@echo "installing signkit and its development tools into $(VENV), which takes a minute or two"
	@$(call install,dev)
	@touch $(VENV)/installed $@

# Installs signkit with an extra: exactly the tested releases, that of setuptools which builds it too.
MINOR := import sys; print("%d.%d" % sys.version_info[:2])
install = minor=$$($(BIN)/python -c '$(MINOR)') && set=constraints/python$$minor.txt && \
  if [ -f $$set ]; then set="-c $$set"; else set=; \
    echo "no set of releases was tested with Python $$minor: taking the newest that pyproject.toml allows"; fi && \
  $(PIP) $$set --upgrade setuptools && $(PIP) $$set --no-build-isolation -e '.[$(1)]'
