"""The whole product as real processes, used as people and programs use it."""
