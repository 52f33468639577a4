"""Simulated subjects whose sources, words and contacts are known."""
