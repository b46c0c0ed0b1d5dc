"""Merchant districts found from where shops are: discovery.discover is the door."""
