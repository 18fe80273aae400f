"""Backends whose libraries or programs are not part of the plain installation."""

from __future__ import annotations

from janitor.store.errors import Unsupported


def missing_extra(scheme: str) -> Unsupported:
    """What to say where the backend of this scheme is not installed here."""
    return Unsupported(
        f"{scheme}: needs the extra of that name, which is not installed here: "
        f"pip install 'restic-janitor[{scheme}]', or the image that has every extra (EXTRAS=full)"
    )
