"""The measurements, one file a kind of work. Each takes a ``Plan`` and gives rows of the table."""
