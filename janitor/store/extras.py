"""Backends whose libraries or programs are not part of the plain installation."""

from __future__ import annotations

from janitor.store.errors import Unsupported


def missing_extra(scheme: str, what: object) -> Unsupported:
    """What to say where the backend of this scheme is not installed here; `what` is missing."""
    return Unsupported(
        f"{scheme}: needs the extra of that name, which is not installed here ({what}): "
        f"pip install 'restic-janitor[{scheme}]', or the image that has every extra (EXTRAS=full)"
    )
