"""The parts of the sample town: plane geometry, layout, names, trades, shops."""
