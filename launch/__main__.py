"""`python -m launch doctor` is `start.py doctor`, from any folder, with .venv's Python.

It must stay readable by Python 3.6, as start.py.
"""

import sys

from launch import too_old

if too_old(sys.version_info[:2]):
    sys.exit(too_old(sys.version_info[:2]))

from launch.commands import main

sys.exit(main(sys.argv[1:]))
