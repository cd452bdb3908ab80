# `make` checks everything, `make up` serves. Both build .venv from the locked requirements when they need to.

PYTHON ?= python3.11
WORKERS ?= 3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
BASE := $(VENV)/.base
DEV := $(VENV)/.dev
ASSETS := src/growbase/studio/static/vendor/.fetched
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
LOCK += --no-config

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all up test lint fix bench docs messages assets lock clean
.PHONY: db-init db-migrate db-upgrade db-status db-seed db-backup db-reset db-studio

all: test

# --- the program --------------------------------------------------------------------------------------------------

up: $(BASE) $(ASSETS)
	@exec $(BIN)/growbase up $(ARGS)

db-init: $(BASE)
	@exec $(BIN)/growbase db init $(ARGS)

db-migrate: $(BASE)
	@test -n "$(m)" || { echo 'Say what changes: make db-migrate m="add brand colours"' >&2; exit 2; }
	@exec $(BIN)/growbase db revision -m "$(m)" $(ARGS)

db-upgrade: $(BASE)
	@exec $(BIN)/growbase db upgrade $(ARGS)

db-status: $(BASE)
	@exec $(BIN)/growbase db status $(ARGS)

db-seed: $(BASE)
	@exec $(BIN)/growbase seed $(ARGS)

db-backup: $(BASE) $(ASSETS)
	@exec $(BIN)/growbase backup now $(ARGS)

db-reset: $(BASE)
	@exec $(BIN)/growbase db reset $(ARGS)

db-studio:
	@echo "http://$${GROWBASE_HOST:-127.0.0.1}:$${GROWBASE_PORT:-8000}/studio (make up serves it)"

# --- the checks ---------------------------------------------------------------------------------------------------

test: lint $(ASSETS)
	@tests/install_postgres.sh
	@tests/install_servers.sh
	@tests/install_chromium.sh
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo

fix: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV)
	$(BIN)/python -m bench $(ARGS)

docs: $(DEV) $(ASSETS)
	@tests/install_chromium.sh
	@$(BIN)/python docs/generate.py
	@PYTHONPATH=. $(BIN)/python docs/screenshots.py
	$(BIN)/pytest tests/test_docs.py $(ARGS)

assets: $(ASSETS)

messages: $(BASE)
	@$(BIN)/python -m growbase.ops.messages

lock: $(DEV)
	cd requirements && ../$(BIN)/$(LOCK) base.in build.in $(ARGS) --output-file base.txt
	cd requirements && ../$(BIN)/$(LOCK) base.in build.in dev.in $(ARGS) --constraint base.txt --output-file dev.txt

clean:
	rm -rf $(VENV) build dist .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -prune -exec rm -rf {} +
	rm -rf src/*.egg-info src/growbase/studio/static/vendor

# --- the environment ----------------------------------------------------------------------------------------------

# Debian keeps venv in a package of its own, and a failed attempt leaves a broken folder behind.
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Growbase needs Python 3.11 or later: install python3.11, or name yours with make PYTHON=python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Growbase needs Python 3.11 or later; $(PYTHON) is older." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || tests/install_packages.sh $(notdir $(PYTHON))-venv
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(BASE): requirements/base.txt pyproject.toml | $(BIN)/python
	@echo "Installing what Growbase needs ..."
	@$(PIP) install --require-hashes --requirement requirements/base.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(ASSETS): src/growbase/studio/fetch_assets.py $(BASE)
	@$(BIN)/python $<
	@touch $@

$(DEV): requirements/dev.txt $(BASE)
	@echo "Installing what the checks need ..."
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@touch $@
