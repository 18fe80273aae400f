"""What can be wrong with a repository's files, as a flat family of errors.

Keys and configs raise whole sentences for a person; boxes and packing, which do not know what
they are part of, raise clauses that follow "damaged: ". None quotes anything that was secret.
"""

from __future__ import annotations


class ContentError(Exception):
    """Base of all: the bytes are not what restic writes, or not for us to read."""


class Malformed(ContentError):
    """The bytes cannot be what restic writes: too short, no JSON, a value out of bounds."""


class Doubtful(Malformed):
    """Bytes that restic might read but never writes: not to be trusted either."""


class Unauthenticated(ContentError):
    """The authentication code does not fit: another key or password, or damaged bytes."""
