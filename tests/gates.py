"""Runs authoring/gates.py: it stays until nothing calls the gates by this old place any more."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    runpy.run_module("authoring.gates", run_name="__main__")
