"""Runs a command and prints what it cost: the kernel's own account of that process alone.

A process of its own, and a small one: a child's peak memory begins with its parent's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


def main() -> None:
    began = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps([code, usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024]))


if __name__ == "__main__":
    main()
