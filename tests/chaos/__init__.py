"""Fault runs: a whole Postbridge under load, things killed at random, and a count of what was lost. `python -m tests.chaos --help`."""
