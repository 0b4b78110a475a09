"""The course server: it answers the SDK's real HTTP requests with the API's rules and recordings.

Everything but the adapters (`loopback`, `inprocess`, `upstream`, `ledgerfile`) is plain Python
without sockets, threads or files. This room must not know what a notebook is.
"""
