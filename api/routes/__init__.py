"""One file a group of routes: parse, call, answer."""
