"""restic's files: bytes in, facts out. No I/O and no clock in here."""
