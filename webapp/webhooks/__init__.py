"""Callbacks: what other systems tell us."""
