"""Between the batch of positions as it comes over HTTP and the match."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from api.pieces import Pieces, excluded_json
from api.schemas.offers import MatchRequest
from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.place import LngLat
from geo_offers.services.match_offers import OfferBatch, OfferQuery

_encode = msgspec.json.Encoder().encode


def match_queries(asked: MatchRequest, *, account: str) -> list[OfferQuery]:
    """A question of an account, a position each. Raises InvalidInput for a time without a zone."""
    for pointer, moment in [
        ("/at", asked.at),
        *((f"/positions/{place}/fix_at", one.fix_at) for place, one in enumerate(asked.positions)),
    ]:
        if moment is not None and moment.utcoffset() is None:
            raise InvalidInput("a time needs its zone, such as 2026-12-01T18:30:00+08:00", pointer=pointer)
    return [
        OfferQuery(
            at=LngLat(one.lng, one.lat),
            radius_m=asked.radius_m,
            limit=asked.limit,
            category=asked.category,
            account=account,
            visitor_id=one.visitor_id,
            accuracy_m=one.accuracy_m,
            fix_at=one.fix_at,
            when=asked.at,
            explain=asked.explain,
        )
        for one in asked.positions
    ]


def match_body(pieces: Pieces, batch: OfferBatch) -> bytes:
    """The results in the order of the positions."""
    opening = pieces.snapshot.opening.at(batch.when)
    results = []
    for page in batch.pages:
        excluded = b""
        if page.excluded is not None:
            excluded = b',"excluded":' + _encode(excluded_json(page.excluded))
        results.append(b'{"items":[%b]%b}' % (pieces.offers(page.items, opening), excluded))
    return b'{"results":[%b],"degraded":%b}' % (b",".join(results), _encode(batch.degraded))


def batch_body(items: Sequence[bytes], degraded: Sequence[str]) -> bytes:
    """The same of items that are encoded already, of at least one position and without explanations."""
    results = b']},{"items":['.join(items)
    return b'{"results":[{"items":[%b]}],"degraded":%b}' % (results, _encode(degraded))
