# `make` alone lists the targets. A fresh clone needs Python 3.11 or 3.12, and nothing else.
.DEFAULT_GOAL := help
.PHONY: help setup run run-languages run-topics run-mixed test test-browser test-gcs test-kill test-vertex test-label-studio fuzz bench bench-train lint format golden docs reference lock images test-images push sbom clean
SHELL := /bin/sh
BIN := .venv/bin
# What .venv is made from. Its checksum, kept in .venv, says whether it still is: times do not.
MADE_FROM := requirements/dev.lock requirements/torch-cpu.lock requirements/torch.lock requirements/cuda.lock pyproject.toml scripts/setup.sh

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Create .venv from the lock and compile bytecode (PYTHON=… to choose the Python)
	@cat $(MADE_FROM) | cksum | cmp -s - .venv/.made-from || \
		{ PYTHON="$(PYTHON)" scripts/setup.sh && cat $(MADE_FROM) | cksum > .venv/.made-from; }

run: setup ## Retrain both sample phases on this machine and print their scores
	@$(BIN)/retrain run configs/sample.yaml

run-languages: setup ## Retrain the sample phase of two languages on this machine
	@$(BIN)/retrain run configs/sample-languages.yaml

run-topics: setup ## Retrain both sample phases of classes on this machine
	@$(BIN)/retrain run configs/sample-topics.yaml

run-mixed: setup ## Train entities and classes at once, and apart, on this machine
	@$(BIN)/retrain run configs/sample-mixed.yaml

test: setup ## Run the tests
	@$(BIN)/python -m pytest -n 3 --dist loadgroup

test-browser: setup ## Check the pages in an installed Chromium (apt-get install chromium)
	@$(BIN)/python -m pytest tests/browser

test-kill: setup ## Kill whole runs a hundred times (KILLS=…); the tests do it ten times
	@RETRAIN_KILLS=$(or $(KILLS),100) $(BIN)/python -m pytest tests/e2e/test_kill.py

test-gcs: setup ## Run every stage on a bucket mounted as on Vertex AI (Linux, root, /dev/fuse; fuse3)
	@unshare --mount --propagation private $(BIN)/python -m pytest tests/gcs

test-vertex: setup ## Test against a real project: PROJECT=my-project (costs a little: docs/testing-vertex.md)
	@PROJECT="$(PROJECT)" REGION="$(REGION)" BUCKET="$(BUCKET)" IMAGES="$(IMAGES)" GPU="$(GPU)" \
		$(BIN)/python -m pytest tests/live/test_first_questions.py tests/live/test_vertex.py

LABEL_STUDIO := build/label-studio/venv
test-label-studio: setup ## Read, serve and watch a real Label Studio on this machine (0.8 GB from PyPI into build/)
	@test -x $(LABEL_STUDIO)/bin/label-studio || { $(BIN)/python -m venv $(LABEL_STUDIO) && \
		$(LABEL_STUDIO)/bin/python -m pip install -q label-studio==1.23.2; }
	@$(BIN)/python -m pytest tests/live/test_label_studio.py

fuzz: setup ## Damaged records, configs and requests in large numbers (KIND=records, COUNT=…, SEED=…)
	@$(BIN)/python -m tests.fuzz $(KIND) $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

bench: setup ## Compare ingest, split and convert with the alternatives
	@$(BIN)/python -m pip install -q -q --no-deps --require-hashes -r requirements/bench.lock
	@for what in ingest split convert; do $(BIN)/python -m bench.$$what; done

bench-train: setup ## Compare training with spacy train and transformers' Trainer (SEEDS=3; long)
	@$(BIN)/python -m pip install -q -q --no-deps --require-hashes -r requirements/bench.lock
	@$(BIN)/python -m bench.train --seeds $(or $(SEEDS),3)
	@$(BIN)/python -m bench.train --speed
	@$(BIN)/python -m bench.train.floor
	@$(BIN)/python -m bench.train.evaluation
	@$(BIN)/python -m bench.batches

lint: setup ## Check style, formatting, types and security
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@# ruff has ported most of bandit's rules (S); bandit itself knows the gravest of the others.
	@$(BIN)/bandit -q -lll -r components containers pipelines scripts
	@git ls-files -z '*Dockerfile' | xargs -0 -r $(BIN)/hadolint
	@git ls-files -z ':!requirements' ':!tests/first_release' | xargs -0 $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.baseline

format: setup ## Format the code and fix what ruff can fix
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

golden: setup ## Rewrite the golden pipeline specs that the tests compare with
	@for config in configs/*.yaml; do $(BIN)/retrain compile $$config -o tests/golden/$${config##*/}; done
	@$(BIN)/retrain compile configs/sample-teacher.yaml -o tests/golden/sample-teacher-model.yaml \
		--set 'phases.small.teacher={model: topic-big@champion, texts: [sample/letters.txt]}'

docs: setup ## Build the documentation into build/site, every link checked
	@$(BIN)/python -m pip install -q -q --no-deps --require-hashes -r requirements/docs.lock
	@$(BIN)/zensical build --strict --clean

reference: setup ## Rewrite docs/reference from the code
	@$(BIN)/python -m scripts.reference

lock: setup ## Renew requirements/*.lock after a change in pyproject.toml (UPGRADE=1: newest versions)
	@PATH="$(BIN):$$PATH" $(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade)

images: setup ## Build the container images, each tested inside itself (docker, podman or buildah)
	@$(BIN)/python -m scripts.images build

test-images: setup ## Build the images offline, then run the sample with every task in its image
	@$(BIN)/python -m scripts.images try

push: setup ## Push the images by commit and write images.lock.yaml (REGISTRY=host/project/repository)
	@$(BIN)/python -m scripts.images push $(REGISTRY)

sbom: setup ## Write a bill of materials of each image's Python packages to build/sbom/
	@mkdir -p build/sbom
	@for image in cpu gpu serve; do $(BIN)/cyclonedx-py requirements --output-reproducible \
		requirements/$$image.lock -o build/sbom/$$image.python.cdx.json; done; ls build/sbom

clean: ## Remove .venv and caches; runs and models stay
	@rm -rf .venv .*_cache .hypothesis build *.egg-info
