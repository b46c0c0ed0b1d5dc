"""How a rate limit shows in the headers of an answer: the draft "RateLimit header fields for HTTP" of the IETF."""

from __future__ import annotations

from math import ceil


def policy_of(per_minute: int) -> bytes:
    """The header RateLimit-Policy: so many requests a minute."""
    return b'"default";q=%d;w=60' % per_minute


def state_of(remaining: int, reset_s: float) -> bytes:
    """The header RateLimit: how many are left at once, and in how many seconds all are there again."""
    return b'"default";r=%d;t=%d' % (remaining, ceil(reset_s))
