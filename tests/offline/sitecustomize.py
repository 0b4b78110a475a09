"""Python imports this at start when the folder is on PYTHONPATH: so kernels are offline too."""

import offline  # type: ignore[import-not-found, unused-ignore]

offline.block()
