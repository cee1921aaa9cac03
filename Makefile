# Gristmill: everything that a fresh machine needs, with Python 3.11+ and make alone.
# What is installed goes to .venv/ (from uv.lock) and .tools/ (uv itself); nothing outside this folder is touched.

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
SOURCE ?= demo
ARGS ?=
TEST_ARGS ?= -n 2

UV_VERSION := 0.13.9
UV := .tools/uv-$(UV_VERSION)/bin/uv
LABEL_STUDIO_VERSION := 1.23.2
LABEL_STUDIO := .tools/label-studio-$(LABEL_STUDIO_VERSION)/bin/label-studio
BIN := .venv/bin
SYNC = UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never $(UV) sync --quiet --frozen --inexact --compile-bytecode --python "$(PYTHON)"
LOCKED := uv.lock pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help crawl test bench lint label-studio clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  make crawl SOURCE=site ARGS="-a url=https://example.com -a max_pages=100"'
	@echo '  The crawl ends with 0 complete, 1 failed, 2 wrong use, 3 incomplete. make turns every code but 0 into 2 and'
	@echo '  prints it ("Error 3"): scripts that look at the code call .venv/bin/scrapy crawl <source> themselves.'

crawl: .venv/installed ## run a source (SOURCE=demo ARGS=...) and print where its records, rejections and tasks are
	@$(BIN)/scrapy crawl $(SOURCE) $(ARGS)

test: .venv/installed-dev ## set up and run every test (TEST_ARGS="-n 2")
	$(BIN)/python -m pytest $(TEST_ARGS)

bench: .venv/installed-bench ## run the benchmarks; each prints its figure, its target and the baseline's
	@failed=; for bench in tests/benchmarks/bench_*.py; do \
		echo "== $$bench"; PYTHONPATH=. $(BIN)/python "$$bench" || failed="$$failed $$bench"; \
	done; if [ -n "$$failed" ]; then echo "missed their target:$$failed"; exit 1; fi

lint: .venv/installed-dev ## ruff (rules and format) and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

label-studio: $(LABEL_STUDIO) ## install the annotation tool (800 MB) that a test imports tasks into

clean: ## remove what was installed or cached; data/ stays
	rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp newer than the lock means: installed, and no network is needed.
.venv/installed: $(LOCKED)
	@echo "Installing into .venv from uv.lock (once; needs the network) ..." >&2
	@$(MAKE) --no-print-directory --silent $(UV)
	@$(SYNC) --no-dev --extra image
	@touch $@

.venv/installed-dev: $(LOCKED)
	@echo "Installing into .venv from uv.lock, with what the tests need (once; needs the network) ..." >&2
	@$(MAKE) --no-print-directory --silent $(UV)
	@$(SYNC) --group dev
	@touch $@ .venv/installed

.venv/installed-bench: $(LOCKED)
	@echo "Installing into .venv from uv.lock, with what the benchmarks compare with (once; needs the network) ..." >&2
	@$(MAKE) --no-print-directory --silent $(UV)
	@$(SYNC) --group dev --group bench
	@touch $@ .venv/installed-dev .venv/installed

# In an environment of its own: its pins are not ours.
$(LABEL_STUDIO):
	@echo "Installing Label Studio $(LABEL_STUDIO_VERSION) into .tools (once; needs the network) ..." >&2
	@$(MAKE) --no-print-directory --silent $(UV)
	@$(UV) venv --quiet --clear --python "$(PYTHON)" $(patsubst %/bin/label-studio,%,$@)
	@$(UV) pip install --quiet --python $(@D)/python "label-studio==$(LABEL_STUDIO_VERSION)"

$(UV):
	@[ -n "$(PYTHON)" ] || { \
		echo "expected Python 3.11 or newer on PATH, got: $$(python3 --version 2>&1 || echo none)." >&2; \
		echo "Install one (Debian: apt-get install python3 python3-venv; macOS: brew install python), or name it:" >&2; \
		echo "  make crawl PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "expected Python 3.11 or newer, got $$($(PYTHON) --version 2>&1) from PYTHON=$(PYTHON)." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "expected the standard modules venv and ensurepip in $(PYTHON), got a Python without them." >&2; \
		echo "Debian and Ubuntu have them in a package of its own: apt-get install python3-venv" >&2; exit 1; }
	@rm -rf $(dir $(@D))
	@"$(PYTHON)" -m venv $(patsubst %/bin/uv,%,$@)
	@$(@D)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
