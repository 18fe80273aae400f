r"""Which host a URL leads to, where all who read it agree. Pure.

Python's `urlsplit` finds the host behind the last `@`, urllib3 before the first backslash: of
`http://evil.net\@good.example/` one reads `good.example`, and the other asks `evil.net`.
"""

from __future__ import annotations

import re

_URL = re.compile(
    r"https?://"
    r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:%]*@)?"
    r"(?P<host>(?:[A-Za-z0-9\-._]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)


def host_of(url: str) -> str:
    """The host, or host:port, in lower case; empty where it is no plain http or https URL."""
    found = _URL.fullmatch(url)
    return found["host"].lower() if found else ""
