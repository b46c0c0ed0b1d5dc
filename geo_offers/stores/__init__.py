"""Where things are kept: ports, and the adapters that keep their promises."""
