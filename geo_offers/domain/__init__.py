"""What is true about places, offers and money; no I/O, imports nothing of ours."""
