# Every target sets up what it needs by itself: a machine with Python (3.11 or newer), pip, make and git is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The newest torch whose plain installation needs no accelerator packages on every machine we know.
TORCH := 2.13.0
# On a machine whose pip is configured with folders of packages, pip warns of each package that is not there. These lines
# are left out; all others are shown, and the exit status is that of pip.
IGNORED := ^WARNING: Location .* is ignored
pip = exit $$({ { $(1) --quiet --disable-pip-version-check $(2) 2>&1; echo $$? >&3; } | grep -v '$(IGNORED)' >&2; } 3>&1)
# Most modules of the libraries are never imported, and Python compiles the others when they first are.
pip_install = $(call pip,$(BIN)/python -m pip install --no-compile,$(1))

# Tests run on all cores, up to eight of them; a file's tests stay together, since they share what is costly to make.
PARALLEL := -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder
# Tests start many interpreters: without bytecode files each of them would compile the package again.
export PYTHONDONTWRITEBYTECODE :=

# Real data sets and weights, for the tests that want them.
ifneq ($(wildcard ../shared/data),)
export MODELPRINT_DATA ?= $(abspath ../shared/data)
endif

.DEFAULT_GOAL := help
.PHONY: help quickstart test interop coverage check format docs bench fuzz constraints clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

quickstart: $(VENV)/installed-all ## seal a small classifier, serve it, tamper with it, and watch the difference being found
	$(BIN)/modelprint quickstart

test: $(VENV)/installed-dev ## run all tests; parts: .venv/bin/pytest tests/oracles -k http
	$(BIN)/pytest $(PARALLEL) $(PYTEST_OPTIONS)

interop: $(VENV)/installed-dev ## install real servers in environments of their own and ask them
	$(BIN)/pytest tests/interop --runinterop -v $(PYTEST_OPTIONS)

coverage: ## run all tests, heavy ones too, and fail when they cover too little
	$(MAKE) test PYTEST_OPTIONS="--runheavy --cov --cov-report=term $(PYTEST_OPTIONS)"

check: $(VENV)/installed-dev ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev ## put the code into the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/installed-docs ## build the documentation into site/
	$(BIN)/mkdocs build --strict

bench: $(VENV)/installed-dev ## measure speed: ratios within one run, never asserts
	$(BIN)/pytest benchmarks -s

COUNT ?= 1000000
SEED ?= 1

fuzz: $(VENV)/installed-dev ## read a million mutated inputs: COUNT=, SEED=; Ctrl-C, and the same command continues
	$(BIN)/python -m tests.hostile.fuzz --count $(COUNT) --seed $(SEED) --folder build/fuzz

constraints: EXTRAS = dev,docs
constraints: ## resolve every dependency anew and write the versions down
	rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	@$(call pip,build/constraints/bin/python -m pip install,torch==$(TORCH) -e '.[$(EXTRAS)]')
	{ echo "# The versions the tests ran with on `build/constraints/bin/python --version`; used by every make target."; \
	  echo "# Written by: make constraints"; \
	  build/constraints/bin/python -m pip freeze --all --exclude-editable --exclude pip | sed 's/+[a-z0-9.]*$$//'; \
	} > constraints.txt

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) modelprint-quickstart build site dist htmlcov .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .benchmarks .hypothesis

# A virtual environment without Debian's separate python3-venv package: the machine's pip puts a pip into it.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "modelprint needs Python 3.11 or newer, and '$(PYTHON)' is `$(PYTHON) --version 2>&1`;" \
	       "name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv --without-pip $(VENV)
	@$(call pip,$(PYTHON) -m pip --python $(BIN)/python install,pip)

$(VENV)/installed-dev: EXTRAS = dev
$(VENV)/installed-dev: $(BIN)/pip pyproject.toml constraints.txt
	@echo "installing modelprint and its tools into $(VENV), once"
	@$(call pip_install,-c constraints.txt -e '.[$(EXTRAS)]')
	@touch $@ $(VENV)/installed-all

$(VENV)/installed-docs: EXTRAS = all,docs
$(VENV)/installed-docs: $(BIN)/pip pyproject.toml constraints.txt
	@$(call pip_install,-c constraints.txt -e '.[$(EXTRAS)]')
	@touch $@

$(VENV)/installed-all: EXTRAS = all
$(VENV)/installed-all: $(BIN)/pip pyproject.toml constraints.txt
	@echo "installing modelprint into $(VENV), once"
	@$(call pip_install,-c constraints.txt -e '.[$(EXTRAS)]')
	@touch $@
