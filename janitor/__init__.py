"""restic-janitor: removes the locks of dead restic backups, and never a live one's."""

__version__ = "0.1.0"
