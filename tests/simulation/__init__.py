"""Made-up histories of backups, nodes, faults and janitors, on virtual time.

`history` draws one from a seed and plays it; the janitors in it run `janitor.sweep.sweep` as it
ships, against a cluster, a store and a state that are simulated at their edge: HTTP answers of the
API server, the methods of a store, the reads and writes of the state.

    python -m tests.simulation --help
"""
