# make run     the janitor at work on example repositories; no cluster, no server
# make test    lint, types, layers, and all tests that need no cluster
.PHONY: run test lint format bench bench-short prove torture mutate fuzz faults audit e2e e2e-offline lock clean

ARGS ?=

run:
	@scripts/venv requirements-full.txt
	@examples/run $(ARGS)

test: venv-dev
	@scripts/test $(ARGS)

lint: venv-dev
	@scripts/lint

format: venv-dev
	@.venv/bin/ruff check --quiet --fix; .venv/bin/ruff format --quiet

# ratios against what people run today, in one run; writes docs/benchmarks.md; some 25 minutes
bench: venv-bench
	@.venv/bin/python tests/servers/fetch
	@.venv/bin/python -m bench.run $(ARGS)

# a few of the ratios against the recorded ones, in a minute
bench-short: venv-bench
	@.venv/bin/python tests/servers/fetch
	@.venv/bin/python -m bench.short $(ARGS)

# a million simulated histories; goes on where it stopped, for as long as the code is the same
prove: venv-dev
	@.venv/bin/python -m tests.simulation $(ARGS)

# 200 backups by real restic under janitors that may remove after seconds; some ten minutes
torture: venv-dev
	@.venv/bin/python tests/servers/fetch
	@.venv/bin/python -m tests.torture $(ARGS)

# breaks the rule and what is around it, line by line, and shows what no test noticed; some hours
mutate: venv-dev
	@.venv/bin/python -m tests.mutation $(ARGS)

# ten minutes of odd input; with `pip install atheris` guided by coverage
fuzz: venv-dev
	@.venv/bin/python -m tests.fuzz $(ARGS)

# connections that break, signals at every step, full disks, rivals; some minutes
faults: venv-dev
	@.venv/bin/python tests/servers/fetch
	@.venv/bin/python -m pytest -n 2 tests/faults $(ARGS)

# known vulnerabilities in the locked versions; asks a public service
audit: venv-dev
	@.venv/bin/python -m pip --quiet install pip-audit
	@.venv/bin/pip-audit --disable-pip --require-hashes --requirement requirements-full.txt

# the suite on kind: where Docker or Podman can pull images
e2e: venv-dev
	@tests/e2e/run $(ARGS)

# the same suite, with base images made of Debian packages and Go modules first
e2e-offline: venv-dev
	@tests/e2e/offline/run $(ARGS)

# the exact versions, with hashes and without addresses
lock: venv-dev
	@scripts/lock

clean:
	rm -rf .venv .venv-bench .run .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: venv-dev venv-bench
venv-dev:
	@scripts/venv requirements-dev.txt

# what is measured runs with what is shipped
venv-bench: venv-dev
	@VENV=.venv-bench scripts/venv requirements.txt
