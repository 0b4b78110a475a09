"""JupyterLab where a proxy is set that it cannot use, such as a SOCKS proxy.

It would end with an ImportError then, although only its shop for extensions asks for
the proxy: the variables are away while it is loaded, and there again for the kernels.
Run by .venv's Python as `-m launch.lab`.
"""

import importlib
import os
import sys

from launch.machine import unusable_proxies


def main() -> None:
    """Run JupyterLab with the arguments of this program, without its shop."""
    away = {name: os.environ.pop(name) for name in unusable_proxies(os.environ)}
    lab = importlib.import_module("jupyterlab.labapp")
    os.environ.update(away)
    sys.exit(lab.main(["--LabApp.extension_manager=readonly", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
