"""Importers: files of the outside world become rows of our domain; no store, no index, no web."""
