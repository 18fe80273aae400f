"""The rule, lock by lock."""
