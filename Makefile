# make run: a voice from a fresh clone. make test: the whole suite. Needs Python 3.11 and make, nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 5000
VENV := .venv
PIP := $(VENV)/bin/pip --disable-pip-version-check --quiet

.PHONY: help run test bench lint clean

help:
	@echo "make run    install what serving needs, speak one sentence into swaram.flac, serve on port $(PORT)"
	@echo "make test   install what training and tests need, run the whole suite"
	@echo "make bench  run the benchmarks (minutes to an hour; stop other work first)"
	@echo "make lint   check style"

run: $(VENV)/.serving
	$(VENV)/bin/swaram serve --port $(PORT) --prove swaram.flac

test: $(VENV)/.testing
	$(VENV)/bin/python -m pytest

bench: $(VENV)/.testing
	for file in benchmarks/*.py; do $(VENV)/bin/python $$file || exit 1; done

lint: $(VENV)/.testing
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "swaram needs Python 3.11; name it with: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# requirements.txt pins everything; the light install takes from it only what serving needs.
$(VENV)/.serving: pyproject.toml requirements.txt | $(VENV)/bin/python
	$(PIP) install --constraint requirements.txt --editable .
	@touch $@

$(VENV)/.testing: pyproject.toml requirements.txt | $(VENV)/bin/python
	$(PIP) install --constraint requirements.txt --editable '.[train,dev]'
	@touch $@ $(VENV)/.serving

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache
