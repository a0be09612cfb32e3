# Every target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEV    := $(VENV)/.ready-dev

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types imports bench fuzz chaos image lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

PIP    := $(BIN)/pip install --quiet --disable-pip-version-check

$(READY): requirements/platform.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "steersman needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements/platform.txt
	$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

$(DEV): $(READY) requirements/dev.txt
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(READY)  ## bring the platform up and push the bundled example through it
	@$(BIN)/python examples/demo.py

test: $(DEV)  ## run every check and every test that can run here
	@$(MAKE) --no-print-directory --keep-going $(TOGETHER) check elsewhere cluster

# Each half of the tests keeps for itself what failed. TOGETHER=... lets all of them run at once.
.PHONY: elsewhere cluster
elsewhere: OPTIONS = -n $(or $(JOBS),auto) -m "not kubernetes"
cluster: OPTIONS = -m kubernetes --timeout=600
elsewhere cluster: $(DEV)
	@mkdir -p .pytest_cache && rm -f .pytest_cache/$@-passed
	$(BIN)/python -m pytest -o cache_dir=.pytest_cache/$@ $(OPTIONS) $(PYTEST)
	@touch .pytest_cache/$@-passed

check: lint types imports  ## lint, types and import rules

lint: $(DEV)  ## ruff: format and rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV)  ## mypy --strict
	$(BIN)/mypy

imports: $(DEV)  ## who may import whom
	$(BIN)/lint-imports

bench: $(READY)  ## measure against the yardsticks (writes docs/benchmarks.md)
	$(BIN)/python -m bench

fuzz: $(DEV)  ## try every property for long, and feed the language a million files (hours; FILES=1000000)
	$(BIN)/python -m pytest -m "hypothesis and not kubernetes" --hypothesis-profile=long --timeout=7200
	$(BIN)/python -m tests.fuzz --files $(or $(FILES),1000000)

chaos: $(DEV)  ## kill server, worker and runners through 200 jobs (long; CHAOS_JOBS=200)
	CHAOS_JOBS=$(or $(CHAOS_JOBS),200) CHAOS_KILLS=$(or $(CHAOS_KILLS),400) CHAOS_PAUSE=2 OUTAGE=180 OUTAGE_JOBS=50 \
	    $(BIN)/python -m pytest -q --timeout=3600 tests/platform

IMAGE  ?= steersman:local
# An index of one's own is named by the environment; without a value here, none is written down.
ARGS   := $(foreach name,BASE PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT,--build-arg $(name))
image:  ## build the image of all programs (IMAGE=steersman:local)
	docker build --network host $(ARGS) --tag $(IMAGE) .

.PHONY: cluster-test
cluster-test: $(DEV)  ## the tests that need a cluster (KUBECONFIG; the nodes have the image)
	CI=true $(BIN)/python -m pytest -m kubernetes --timeout=600

.PHONY: chaos-cluster
chaos-cluster: $(DEV)  ## faults on a real cluster through 100 jobs, a node hung for 10 minutes (an hour)
	IMAGE_BUILDS=1 LOST_NODES=1 CHAOS_CLUSTER_JOBS=$(or $(CHAOS_JOBS),100) HANG_SECONDS=$(or $(HANG_SECONDS),600) \
	    $(BIN)/python -m pytest -q -s --timeout=7200 tests/kubernetes/test_faults.py tests/kubernetes/test_sentences.py \
	    tests/kubernetes/test_hostile_pod.py tests/kubernetes/test_cluster_chaos.py \
	    tests/kubernetes/test_image_builds.py tests/kubernetes/test_cron_lost_node.py

COMPILE := $(BIN)/uv pip compile pyproject.toml --generate-hashes --universal --python-version 3.11 \
           --no-annotate --no-header --quiet
lock: $(DEV)  ## pin the dependencies again, with hashes
	$(COMPILE) --output-file requirements/base.txt
	$(COMPILE) --extra build --extra server --extra postgres --extra s3 --extra kubernetes --output-file requirements/platform.txt
	$(COMPILE) --extra build --extra server --extra postgres --extra s3 --extra kubernetes --extra dev --output-file requirements/dev.txt

clean:  ## remove what was set up
	rm -rf $(VENV) .demo .mypy_cache .pytest_cache .ruff_cache .hypothesis
