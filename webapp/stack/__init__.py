"""The stack: everything that starts, watches and stops processes. Knows no Flask and no slice."""
