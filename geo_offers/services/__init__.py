"""One file a trip: where index and stores meet."""
