"""The HTTP door: parse, call a service, answer; nothing is decided here."""
