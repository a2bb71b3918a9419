# Everything here brings its own .venv: uv is used when it is on PATH, pip when not.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

N ?= 100
APP ?= fastapi
DURATION ?= 120
DATABASE ?= postgresql
EXAMPLES ?= 10000
BIN := .venv/bin
LINT = $(BIN)/ruff format --check --quiet && $(BIN)/ruff check --quiet && $(BIN)/mypy && $(BIN)/lint-imports --no-logo
LOCK := requirements/dev.txt
STAMP := .venv/.installed
COMPILE := uv pip compile pyproject.toml --extra workers --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

# 3.11 and 3.12 come first: the embedded Redis has wheels for these two.
PYTHON = $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3 python, \
	$(shell command -v $(name) >/dev/null && $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		2>/dev/null && echo $(name))))

# Every process that a test starts would otherwise compile all our modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help venv demo example chaos test fuzz check lint unit bench format lock clean

help: ## list these commands
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile

venv: $(STAMP) ## make .venv, exactly as locked (the other commands do it when needed)

demo: $(STAMP) ## watch N customers go through the whole flow (make demo N=1000)
	@$(BIN)/cobalt-mirror demo --customers $(N)

example: $(STAMP) ## run an app with customers of its own and everything it needs, until Ctrl-C (make example APP=django, or node)
	@$(BIN)/python -m examples.$(APP)

# Many tests wait for processes, so four at a time keep two cores busy; lint runs beside them and speaks last.
# In a fresh clone the tests are collected once before, or each of the four would compile every module for itself.
test: $(STAMP) ## everything: unit, integration, migration and acceptance tests, and lint
	@said=$$(mktemp); lint=; trap 'kill $$lint 2>/dev/null || true; rm -f "$$said"' EXIT; trap 'exit 130' INT; \
	{ $(LINT); } >"$$said" 2>&1 & lint=$$!; \
	[ -d tests/__pycache__ ] || $(BIN)/pytest --collect-only -q | tail -n 1 || true; \
	tests=0; $(BIN)/pytest -n 4 --dist worksteal || tests=$$?; \
	linted=0; wait $$lint || linted=$$?; \
	echo "lint:"; cat "$$said"; \
	exit $$((tests | linted))

chaos: $(STAMP) ## inject random faults, then check the invariants (make chaos DURATION=600 SEED=7 DATABASE=sqlite OPTIONS=--help)
	@$(BIN)/python -m tests.chaos --duration $(DURATION) --database $(DATABASE) $(if $(SEED),--seed $(SEED)) $(OPTIONS)

# Far beyond what CI waits for, so the time limit of a test does not hold. A falsifying example is printed, and kept in
# .hypothesis for the next run to begin with.
fuzz: $(STAMP) ## try every property with EXAMPLES examples, new ones each time (make fuzz EXAMPLES=100000)
	FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -n 2 --dist worksteal -m hypothesis --hypothesis-profile fuzz --timeout 0

check: lint unit ## what to run before a commit: lint, then the unit tests

lint: $(STAMP) ## format, lint, types and import directions, changing nothing
	$(LINT)

unit: $(STAMP) ## the tests that need no services
	$(BIN)/pytest tests/unit

bench: $(STAMP) ## measure every figure (minutes, on an idle machine; make bench ONLY="publish --database sqlite")
	@$(BIN)/python -m benchmarks $(ONLY)

format: $(STAMP) ## rewrite the code in the project's format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lock: ## resolve the versions in requirements/ (needs uv; make lock UPGRADE=--upgrade for newer ones)
	$(COMPILE) $(UPGRADE) --extra otel --extra sentry --group dev -o $(LOCK)
	$(COMPILE) --constraints $(LOCK) -o requirements/runtime.txt

clean: ## remove what these commands made: .venv, var, npm packages and caches
	rm -rf .venv var examples/node/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# The stamp is written last, so an interrupted installation is begun again. The lock file names all libraries, so pip need
# not look for more. pip would compile on one core only. Some libraries have files that do not compile: that is no error.
$(STAMP): $(LOCK)
	@if command -v uv >/dev/null; then \
		echo "installing into .venv with uv"; \
		uv venv --quiet --clear --python "$(or $(PYTHON),3.11)" .venv; \
		export VIRTUAL_ENV="$(CURDIR)/.venv"; \
		echo "downloading and unpacking $$(grep -c '^[a-z].*==' $(LOCK)) libraries (half a minute to two minutes the first time)"; \
		uv pip install --compile-bytecode --require-hashes -r $(LOCK); \
		echo "installing cobalt-mirror itself"; \
		uv pip install --quiet --no-deps --no-build-isolation -e .; \
	elif [ -z "$(PYTHON)" ]; then \
		echo "cobalt-mirror needs Python 3.11 or newer (or uv, which brings one), and neither is on PATH." >&2; exit 1; \
	else \
		echo "installing into .venv with pip ($(PYTHON))"; \
		$(PYTHON) -m venv --clear .venv || { echo "$(PYTHON) cannot make a .venv: install its venv module" \
			"(on Debian and Ubuntu: apt install $(PYTHON)-venv) or uv." >&2; exit 1; }; \
		$(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes --no-compile \
			--progress-bar off -r $(LOCK) \
			| sed -un -e 's/^Collecting \([^ ]*\).*/  \1/p' -e 's/^Installing collected.*/unpacking them/p'; \
		echo "compiling them"; \
		$(BIN)/python -m compileall -qq -j 0 .venv/lib || true; \
		echo "installing cobalt-mirror itself"; \
		$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .; \
	fi
	@touch $@
