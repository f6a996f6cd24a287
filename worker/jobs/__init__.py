"""Entry points of RQ jobs: thin functions that open a unit of work and call services."""
