"""The match: from a snapshot and a query to offers; pure."""
