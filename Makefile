# Needs Python >= 3.11, git and make; everything else is installed below .venv.
PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= .drippulse
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
UV := $(VENV)/uv/bin/uv
STAMP := $(VENV)/.installed
PROJECTS := . connectors/sdk connectors/slack

NO_VENV := this Python cannot make virtual environments: install its venv module (Debian and Ubuntu: apt install python3-venv) or set PYTHON=/path/to/python3
stop = { echo "$(1)" >&2; exit 1; }

export UV_PYTHON_DOWNLOADS := never
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

KILLS ?= 1000
SEED ?= $(shell date +%s)
CHAOS_SECONDS ?= 180

.PHONY: up test lint format bench chaos chaos-short schemathesis client docs lock install clean
.DEFAULT_GOAL := up

up: $(STAMP) ## start everything on this machine
	@exec $(BIN)/drippulse up --port "$(PORT)" --data-dir "$(DATA_DIR)"

install: $(STAMP)

test: $(STAMP) ## the whole suite
	$(BIN)/pytest

lint: $(STAMP) ## format, lint, arrows, types, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(BIN)/drippulse export check

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) ## measure against limits in the same run; prints and stores a table
	$(BIN)/python -m tests.bench

chaos: $(STAMP) ## kill it KILLS times with SEED and check that nothing was lost or doubled
	@$(BIN)/python -m tests.chaos --kills "$(KILLS)" --seed "$(SEED)"

chaos-short: $(STAMP) ## the same for CHAOS_SECONDS, as CI does
	@$(BIN)/python -m tests.chaos --seconds "$(CHAOS_SECONDS)" --seed "$(SEED)" --workers 2 --gap 0.8 --rate 12 --away 6

schemathesis: $(STAMP) ## all checks of Schemathesis against the whole product; about ten minutes
	@$(BIN)/python -m tests.support.schemathesis_run

client: ## the types of the TypeScript client, from schema.graphql; needs node
	cd graphql/client && npm ci --no-audit --no-fund --ignore-scripts --silent && npm run --silent generate

docs: $(STAMP) ## regenerate the committed contracts (OpenAPI, SDL)
	$(BIN)/drippulse export write

lock: $(UV) ## resolve again
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-header --python-version 3.11 \
	  --no-emit-package drippulse-connector-sdk --no-emit-package drippulse-connector-slack \
	  --group dev pyproject.toml -o requirements.lock

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || $(call stop,DripPulse needs Python 3.11 or newer: set PYTHON=/path/to/python3)
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip $(VENV) || $(call stop,$(NO_VENV))
	@$(PYTHON) -m venv $(VENV)/uv >/dev/null 2>&1 || { rm -rf $(VENV)/uv; $(call stop,$(NO_VENV)); }
	@$(VENV)/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || $(call stop,uv could not be installed from the Python package index; see above)

$(STAMP): $(UV) requirements.lock pyproject.toml connectors/sdk/pyproject.toml connectors/slack/pyproject.toml
	@echo "installing into $(VENV) ..."
	@$(UV) pip sync --quiet --require-hashes requirements.lock
	@$(UV) pip install --quiet --no-deps --no-build-isolation $(addprefix -e ,$(PROJECTS))
	@touch $@

clean:
	rm -rf $(VENV) .drippulse
