"""Sender domains, their proofs and DKIM keys."""
