"""Checks, shared docstrings and local randomness: what every other folder may use."""
