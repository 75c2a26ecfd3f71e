.DEFAULT_GOAL := help
.PHONY: help demo test test-pythons check format lint types floors cover covered keycloak test-keycloak test-oidc-provider test-spring docs look release bench constraints clean
BIN := .venv/bin

help:  ## say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

demo: .venv/demo.ready  ## 1,000 concurrent requests across several renewals; ARGS="--help" tells more
	@$(BIN)/python -m examples.demo $(ARGS)

test: .venv/recipes.ready  ## run the tests; ARGS="-k single_flight" picks some
	@$(BIN)/python $(MEASURED) -m pytest --numprocesses auto $(ARGS)

test-pythons: .venv/check.ready  ## run what depends on the Python on each that is supported, and with the lowest versions
	@.ci/pythons

check: lint types floors cover  ## everything that has to hold before a change lands

format: .venv/check.ready  ## write the code as the formatter wants it
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format .

lint: .venv/check.ready  ## look for faults and at the form
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/check.ready  ## mypy over everything, pyright over the public interface
	@export PATH=$(CURDIR)/$(BIN):$$PATH && mypy && pyright && pyright --verifytypes aio_token --ignoreexternal

floors: .venv/check.ready  ## imports go straight down
	@$(BIN)/lint-imports

cover: .venv/check.ready  ## run the tests, and every branch of the package with them
	@$(BIN)/coverage erase && $(MAKE) --no-print-directory test MEASURED="-m coverage run" && $(MAKE) --no-print-directory covered

covered: .venv/test.ready  ## say what of the package the measured tests have not run
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage report

keycloak: .venv/test.ready  ## fetch, configure and start a Keycloak on loopback, until Ctrl-C; ARGS=PORT
	@$(BIN)/python -m tests.keycloak $(ARGS)

test-keycloak: .venv/browser.ready  ## run the integration tests against a Keycloak of their own
	@$(BIN)/python -m pytest -m keycloak tests/keycloak $(ARGS)

test-oidc-provider: .venv/node.ready  ## run the integration tests against an oidc-provider of their own
	@$(BIN)/python -m pytest -m oidc_provider tests/oidc_provider $(ARGS)

test-spring: .venv/test.ready  ## run the integration tests against a Spring Authorization Server of their own
	@$(BIN)/python -m pytest -m spring tests/spring $(ARGS)

docs: .venv/docs.ready  ## build the site into dist/docs; a warning fails it
	@$(BIN)/python -m website $(ARGS)

look: .venv/browser.ready  ## look at the built site in a Chromium; ARGS=DIRECTORY keeps the pictures
	@$(BIN)/python -m website.look $(ARGS)

release: .venv/release.ready  ## build the package into dist/, check it and write its notes; publishes nothing
	@.ci/release $(ARGS)

bench: .venv/bench.ready  ## measure, beside honest rivals
	@$(BIN)/python -m benchmarks $(ARGS)

constraints: .venv/check.ready  ## raise the pinned versions to the newest releases
	@.ci/constraints

clean:  ## leave nothing behind
	@rm -rf .venv .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist

.venv/%.ready: pyproject.toml constraints.txt .ci/venv .ci/common
	@.ci/venv $*
