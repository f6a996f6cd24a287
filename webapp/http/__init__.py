"""Flask glue: doors, guard, unit of work."""
