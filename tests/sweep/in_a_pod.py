"""`restic-janitor` as in a pod, with the two paths that only a kubelet makes moved to a folder:
`in_a_pod.py FOLDER ARGUMENTS`. FOLDER has `termination` and `account/{token,ca.crt}`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from janitor import tell
from janitor.cli import main
from janitor.cluster.connect import connect

folder = Path(sys.argv[1])
tell.TERMINATION_LOG = folder / "termination"
assert connect.__kwdefaults__ is not None
connect.__kwdefaults__["account"] = folder / "account"
sys.exit(main(sys.argv[2:]))
