# `make run` and `make test` are all that a fresh machine needs; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
# Most tests wait for a browser, a server or a disk, so more of them than cores run at once.
WORKERS ?= 4

# The many processes of the tests and of the app read what the first of them compiled, whatever the shell says.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help setup run demo-reset lint types test test-full check bench screenshots browser

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv and install what is pinned in requirements.txt

$(READY): requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed.")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $(READY)

run: setup ## Start the demo: local Stripe, worker and app, on this machine only
	@$(BIN)/python -m lib run

demo-reset: setup ## Delete the demo company; the next `make run` makes a new one
	@rm -f var/admin.db* var/stripe.db*
	@echo "The demo company is gone. make run makes a new one."

browser: ## Install Chromium where the system's packages have it
	@.ci/browser

lint: setup ## Style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## Types, strictly
	$(BIN)/mypy

test: setup browser ## All tests with small parameters, the browser's too
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-full: setup browser ## The tests that have them with large parameters: kills, races, histories, orders
	FULL=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m sized --timeout=2400

check: lint types test ## Lint, types and tests

bench: setup ## Build a company of 50,000 couples and measure every page, Stripe's side, statistics, 10 M events, MRR of 500,000
	@$(BIN)/python -m tests.bench; pages=$$?; $(BIN)/python -m tests.bench.stripe; stripe=$$?; \
	$(BIN)/python -m tests.bench.statistics; statistics=$$?; \
	$(BIN)/python -m tests.bench.analytics; analytics=$$?; \
	$(BIN)/python -m tests.bench.metrics && exit $$((pages + stripe + statistics + analytics))

screenshots: setup browser ## Every page as every role that may, as contact sheets in var/screens
	$(BIN)/python -m tests.browser.screenshots
