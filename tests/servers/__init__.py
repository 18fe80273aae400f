"""Real servers and real restic for the tests, all on 127.0.0.1."""
