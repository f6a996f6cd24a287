"""Bounces that turned out to be our fault, undone."""
