"""geo_offers: real merchant districts as a virtual commerce zone.

The importable library: no web, no globals, no work at import.
"""
