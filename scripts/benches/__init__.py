"""Measurements: each prints a table with ratios against peers that were measured in the same run."""
