"""Writes that are done once a key: what a write is asked with, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from geo_offers.domain.errors import KeyReused

T = TypeVar("T")

#: How long the answer to a key is kept.
KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Once(Generic[T]):
    """How a write is answered and, with a key, done once.

    account  whose key it is: keys of two accounts never meet
    key      the Idempotency-Key; None is a write of its own, of which no answer is kept
    asked    digest of method, path and body: the same key with another one is refused
    answer   makes the bytes of the answer, inside the transaction and in another thread: it is quick and does no I/O
    """

    account: str
    key: str | None
    asked: bytes
    answer: Callable[[T], bytes]


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """What a write came to: the bytes of its answer, and what was written; None when it was done before."""

    body: bytes
    value: T | None


def key_reused(key: str) -> KeyReused:
    """The refusal of a key that came before with another question."""
    return KeyReused(f"the key {key!r} came before with another request: use a new key for a new one")
