# Everything runs in .venv, made from uv.lock. `make demo` and `make test` are all that a new user needs.
PYTHON ?= python3
VENV := .venv
UV := $(VENV)/bin/uv
RUN := $(VENV)/bin/
STAMP := $(VENV)/.synced

# Many tests start processes, each of which would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo inbox pictures test alone without clients check docs format fuzz load matrix bench package

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

$(UV):
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 10) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@$(RUN)pip install --quiet --disable-pip-version-check "uv>=0.8"

$(STAMP): $(UV) pyproject.toml uv.lock
	@echo "installing what uv.lock names"
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --frozen --inexact --compile-bytecode --python $(RUN)python
	@touch $(STAMP)

demo: $(STAMP)  ## start the real proxy with the plugin and show what it does
	@$(RUN)litellm-bighub demo

inbox: $(STAMP)  ## the demo, left running with a call waiting in the inbox
	@$(RUN)litellm-bighub demo --inbox

test: $(STAMP)  ## run the whole suite
	@$(RUN)python $(if $(SECOND_CHANCE),.ci/second_chance.py,-m pytest) -n 2 --dist loadgroup

alone: $(STAMP)  ## check that in the pure rooms every file has a test file that alone covers it whole
	@$(RUN)python -m tests.alone

without: $(STAMP)  ## run the suite in copies of the repository that lack a format, one after the other; WITHOUT=chat for one
	@$(RUN)python -m tests.without $(WITHOUT) -- -q -n 2 --dist loadgroup $(PYTEST)

fuzz: $(STAMP)  ## send the control plane's API and the reader of commands what nobody expects; BIGHUB_FUZZ_EXAMPLES=100 for an hour of it
	@$(RUN)pytest -q -n 2 --timeout 3600 fuzz

load: $(STAMP)  ## fifty clients at once while the control plane misbehaves; BIGHUB_LOAD_SECONDS=60 for a soak
	@$(RUN)pytest -q --timeout 3600 load

clients: $(STAMP)  ## drive the clients of other people, installed from their registries, through two turns each
	@$(RUN)pytest -q --timeout 3600 clients

package: $(STAMP)  ## build wheel and sdist, install them, resolve for each Python, and check deploy/
	@$(RUN)pytest -q --timeout 600 package

format: $(STAMP)  ## format the code
	@$(RUN)ruff format .
	@$(RUN)ruff check --fix-only --quiet .

check: $(STAMP)  ## format, lint, types, layers
	@$(RUN)ruff format --check .
	@$(RUN)ruff check .
	@$(RUN)mypy
	@$(RUN)pyright
	@$(RUN)lint-imports

docs: $(STAMP)  ## build the site of docs/ into .site, with its reference made from the code; a broken link fails
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --frozen --inexact --group docs --python $(RUN)python
	@LITELLM_LOCAL_MODEL_COST_MAP=True $(RUN)sphinx-build --quiet --fail-on-warning --keep-going --nitpicky --fresh-env docs .site
	@echo "open .site/index.html"

pictures: $(STAMP)  ## take the pictures of docs/images anew, with Chromium; a test fails when a page has changed without it
	@$(RUN)python -m tests.control_plane.inbox.appearance.pictures

matrix: $(STAMP)  ## run the suite on the lowest and the newest LiteLLM (make test runs it on the locked one)
	@UV=$(UV) PYTHON=$(RUN)python ./matrix.sh

bench: $(STAMP)  ## measure side by side with what one would use instead; writes benchmarks/RESULTS.md
	@$(RUN)python -m benchmarks
