# Two commands: `make demo` and `make test`. Both do their own set-up, without root.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
PACKAGES := cluster exporter remediator simulator
PURE := $(shell paste -sd, tests/pure_modules.txt)

.PHONY: help setup demo test lint types unit project exploration integration explore soak pairs replicas fuzz crash clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## make .venv, and in .tools the real programs that PATH lacks (Prometheus, Alertmanager, sshd, sipp)
	@.ci/python
	@.ci/real-parts

demo: setup ## play the three workflows on a simulated site (ARGS="--keep", ARGS="--json FILE" …)
	@PATH="$$PATH:$(CURDIR)/.tools/bin" $(BIN)/sipnlb-simulator demo $(ARGS)

test: setup lint types unit project exploration integration ## everything that must pass before a change lands

lint: setup ## style and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: setup ## static types
	$(BIN)/mypy

unit: setup ## unit and property tests; every branch of the pure modules
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q tests/unit tests/property
	$(BIN)/coverage report --include="$(PURE)" --fail-under=100

project: setup ## documents, rules and dashboards against the code
	$(BIN)/pytest -q -n 2 tests/project

exploration: setup ## the remediation loop near its beginnings, short soaks, every seeded mistake found
	$(BIN)/pytest -q -n 2 tests/exploration tests/soak tests/crash

integration: setup ## real parts as processes on loopback
	$(BIN)/pytest -q -n 2 --dist loadfile tests/integration
	$(BIN)/pytest -q -n 2 --dist loadfile tests/fuzz

explore: setup ## two million states of the remediation loop, thousands of runs of the real one
	$(BIN)/python -m tests.exploration $(ARGS)

soak: setup ## faults of the world, drawn by a seed: simulated hours, then an hour of real programs (ARGS="--quick", …)
	@PATH="$$PATH:$(CURDIR)/.tools/bin" $(BIN)/python -m tests.soak $(ARGS)
	$(BIN)/pytest -q -s tests/integration/pairs.py
	$(BIN)/python -m tests.exploration

pairs: setup ## failovers with two of everything and something killed or frozen in each (INCIDENTS=50 SEED=7)
	$(BIN)/pytest -q -s tests/integration/pairs.py

replicas: setup ## how long a takeover takes when the acting remediator dies, hangs, is cut off or stopped (ARGS="--rounds 10")
	$(BIN)/pytest -q tests/integration/cut_off.py
	$(BIN)/python -m tests.bench.takeovers $(ARGS)

fuzz: setup ## attack whatever reads outside text, and both HTTP faces (ARGS="--seconds 3600" …)
	$(BIN)/python -m tests.fuzz $(ARGS)

crash: setup ## kill the remediator at every boundary and thousands of times at drawn moments (ARGS="drawn --runs 500", …)
	$(BIN)/python -m tests.crash $(ARGS)

clean: ## remove everything that was made here
	rm -rf .venv .tools .cache build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
