"""Traps beside handlers of signals: the standard library's fault handler must not take a panic for a crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EVERY_TYPE = Path(__file__).parents[3] / "fixtures" / "modules" / "every_type_1_4.wasm"
CODE = f"""
import faulthandler
from pytest_inner_universe import Universe

with Universe.embedded({str(EVERY_TYPE)!r}) as universe:
    for install in (lambda: None, faulthandler.enable, faulthandler.disable, faulthandler.enable):
        install()
        try:
            universe.call("panics")
        except Exception as error:
            print(type(error).__name__)
"""


def test_a_fault_handler_installed_later_does_not_end_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["ReducerPanicked"] * 4, "")
