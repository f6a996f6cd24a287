"""Pools of IP addresses and relays."""
