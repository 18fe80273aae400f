"""Sixteen threads do the same thing for the first time, one shortly after another."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "janitor"
FIRST = """
import os, threading, time
from janitor.model import Secret
from janitor.restic import config, key
from tests.forge import Forged, name_of

forged = Forged()
stored, configured = forged.key_bytes(), forged.config_bytes()
parsed = key.parse_key(name_of(stored), stored)

def dawdle(frame, event, _):
    if frame.f_code.co_filename.endswith("msgspec/_utils.py"):
        time.sleep(0.001)  # what a busy machine does: the other threads have their turn

def step(number):
    time.sleep(number / 200)
    keys = key.open_key(parsed, Secret("test"))
    config.read_config(configured, keys)

codes = set()
threading.setprofile(dawdle)
for _ in range(5):
    if os.fork() == 0:
        threads = [threading.Thread(target=step, args=(number,)) for number in range(16)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        os._exit(0)
    codes.add(os.waitstatus_to_exitcode(os.wait()[1]))
print(codes)
"""


def test_the_first_keys_of_a_sweep_may_be_opened_at_once() -> None:
    """Else a sweep now and then ends in a crash of Python itself: msgspec makes ready what it needs
    for a type at its first use, and two threads must not do that together.
    """
    done = subprocess.run(
        [sys.executable, "-c", FIRST],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("{0}\n", "")


def test_every_type_that_is_decoded_is_made_ready_at_import() -> None:
    """Else the same crash comes back with the next type; a `Decoder` at a module's top is ready."""
    late = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            typed = any(keyword.arg == "type" for keyword in node.keywords)
            if node.func.attr == "decode" and typed:
                late.append(f"{path.name}:{node.lineno}")
    assert late == []
