"""Loops over arrays, compiled by numba; `reference` says the same in plain Python."""
