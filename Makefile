# Everything a newcomer needs: `make demo` and `make test` set up what they use.

VENV ?= .venv
PEERS ?= .venv-peers
BIN := $(VENV)/bin
PYTHON ?= python3
STAMP := $(VENV)/.installed
SAMPLED := "experiment YAML" "keys of an experiment" "search spaces" "data files" "files of new deaths" \
  "results folders" "results resumed" arguments cluster compare "addresses and secrets" environment

.PHONY: help setup demo check test long lint types unit integration reliability chart-test images push kind-up kind-down e2e lock bench bench-va bench-peers bench-scale clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## the Python environment, from the lock files

$(STAMP): requirements.lock requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock > $(VENV)/uv.lock
	$(BIN)/python -m pip install --quiet --require-hashes --requirement $(VENV)/uv.lock
	$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## tune the four models on built-in synthetic data (under 3 minutes)
	$(BIN)/va-tuning tune docs/examples/demo.yaml --results demo-results

check: lint types ## the fast loop: what takes less than a second each
	$(BIN)/pytest -q -n auto -m "not slow" tests/unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

unit: setup
	$(BIN)/pytest -q -n auto tests/unit

integration: setup
	$(BIN)/pytest -q tests/integration

test: lint types ## install what is missing and pass everything
	tests/install-tools.sh
	$(BIN)/pytest -n auto tests/unit
	$(BIN)/pytest -n 3 --dist loadfile -m "not long" tests/integration tests/chart
	$(BIN)/python -m tests.reliability --kind inputs --every 10 --groups $(SAMPLED)
	$(BIN)/python -m tests.reliability --kind faults --every 12
	tests/cluster-tier.sh -m "not long"

long: setup ## the tests that take minutes each, which `make test` leaves out
	$(BIN)/pytest -m long tests/integration
	tests/cluster-tier.sh -m long

reliability: setup ## bad inputs and faults of every kind; prints two tables (OPTIONS="--groups compare": a part)
	$(BIN)/python -m tests.reliability $(OPTIONS)

chart-test: setup ## the Helm chart and manifests, without a cluster (installs Go tools)
	tests/install-tools.sh
	$(BIN)/pytest -q tests/chart

images: ## the tuner's and the object store's image, named for REGISTRY=registry.example.org/team
	VA_TUNING_REGISTRY=$(REGISTRY) images/images.sh build

push: ## push both to REGISTRY
	VA_TUNING_REGISTRY=$(REGISTRY) images/images.sh push

kind-up: setup ## a kind cluster with KubeRay and this project's images
	VA_TUNING_PYTHON=$(BIN)/python tests/cluster/cluster.sh up load

kind-down: ## delete it
	tests/cluster/cluster.sh down

e2e: setup ## the end-to-end tests, on the kind cluster
	tests/cluster-tier.sh

lock: setup ## resolve the lock files anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra files -c requirements.lock pyproject.toml images/tuner/image.in -o images/tuner/requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c requirements-dev.lock images/tuner/build.in -o images/tuner/build.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c requirements.lock benchmarks/requirements.in -o benchmarks/requirements.lock

bench: setup ## measure against GridSearchCV, side by side (about 20 minutes)
	$(BIN)/python -m benchmarks.same_answer
	$(BIN)/python -m benchmarks.start $(DATA)
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.comparison $(DATA)
	$(BIN)/python -m benchmarks.scoring
	$(BIN)/python -m benchmarks.populations $(DATA)
	$(BIN)/python -m benchmarks.coverage $(DATA)
	$(BIN)/python -m benchmarks.fits --sizes child adult

bench-va: setup ## default against tuned, nested, under every protocol (DATA=a file; without it synthetic deaths)
	$(BIN)/python -m benchmarks.va $(DATA)

$(PEERS)/.installed: $(STAMP) benchmarks/requirements.lock
	$(PYTHON) -m venv $(PEERS)
	$(BIN)/uv pip sync --quiet --require-hashes --python $(PEERS)/bin/python benchmarks/requirements.lock
	@touch $@

bench-peers: $(PEERS)/.installed ## tables beside scikit-learn, Optuna, Ray Tune and FLAML (5 hours; OPTIONS=--quick: minutes)
	$(BIN)/python -m benchmarks.peers --flaml-python $(PEERS)/bin/python $(OPTIONS) $(DATA)

bench-scale: setup ## the driver alone, on 1,000 simulated slots (OPTIONS=--quick: a minute)
	$(BIN)/python -m benchmarks.scale $(OPTIONS)

clean: ## remove what was made here
	rm -rf $(VENV) $(PEERS) demo-results va-benchmark peers-benchmark
