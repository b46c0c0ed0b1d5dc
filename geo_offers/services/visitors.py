"""Visitors as we know them: a keyed hash, and nothing that leads back."""

from __future__ import annotations

from hashlib import blake2b


def visitor_key(visitor_id: str, *, account: str, secret: bytes) -> str:
    """An app's own id of a visitor as a keyed hash; two accounts never share one.

    account  the app's; "" for who asks without one
    """
    # No account has a zero byte, so no two pairs are one text.
    named = f"{account}\0{visitor_id}".encode("utf-8", "surrogatepass")
    return blake2b(named, key=secret, digest_size=16).hexdigest()
