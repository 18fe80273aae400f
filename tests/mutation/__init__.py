"""Mutation testing: break the code in one place, and see that a test fails.

`python -m tests.mutation [module ...]` breaks each module in every way that `operators` knows, one
at a time and in memory only, and runs the tests of that module against each. A mutant that no
test catches must stand in `accepted.toml` with the reason; one that stands there and is caught, or
that can no longer be made, must leave it.

Sentences for people are not mutated; words that machines read (verdicts, evidence, states) are.
"""
