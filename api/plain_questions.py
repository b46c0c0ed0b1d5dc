"""Hot questions read by hand, where they are plainly right; whatever needs a second look is NotPlain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote_plus

import msgspec
import numpy as np

from api.schemas.offers import MOST_POSITIONS, segments_of
from api.schemas.parameters import moment_of
from geo_offers.domain.languages import accepted_languages
from geo_offers.domain.place import LngLat
from geo_offers.services.find_shops import ShopQuery
from geo_offers.services.match_offers import OfferQuery
from geo_offers.services.write_answers import ManyPlaces, Usual

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)\Z", re.ASCII)
_WHOLE = re.compile(r"\d{1,3}\Z", re.ASCII)
#: A time in a body, as every reader of RFC 3339 takes it.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_BOOL = {"true": True, "false": False}


class NotPlain(Exception):
    """The app behind should look at this."""


class Head(NamedTuple):
    """What the headers of a request say, as far as a hot read cares."""

    languages: tuple[str, ...]
    authorization: bytes | None


def head_of(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """The headers, looked through once. Raises NotPlain for two keys, and for a request that waits for a revision."""
    languages: tuple[str, ...] = ()
    authorization = None
    for name, value in headers:
        if name == b"accept-language":
            languages = accepted_languages(value.decode("latin-1"))
        elif name == b"authorization":
            if authorization is not None:
                raise NotPlain
            authorization = value
        elif name == b"x-min-catalog-revision":
            raise NotPlain
    return Head(languages, authorization)


def _number(least: float, most: float, *, above: bool = False) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not _DECIMAL.match(text):
            raise NotPlain
        value = float(text)
        if not least <= value <= most or (above and value == least):
            raise NotPlain
        return value

    return read


def _limit(text: str) -> int:
    if not _WHOLE.match(text) or not 1 <= int(text) <= 100:
        raise NotPlain
    return int(text)


def _flag(text: str) -> bool:
    if text not in _BOOL:
        raise NotPlain
    return _BOOL[text]


def _text(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not 0 < len(text) <= most:
            raise NotPlain
        return text

    return read


def _moment(text: str) -> datetime:
    try:
        return moment_of(text)
    except ValueError:
        raise NotPlain from None


_PLACE: Mapping[str, Callable[[str], Any]] = {"lng": _number(-180, 180), "lat": _number(-90, 90)}
_PAGE: Mapping[str, Callable[[str], Any]] = {
    "limit": _limit,
    "cursor": _text(4_096),
    "category": _text(200),
    "district_id": _text(200),
    "at": _moment,
}
_SHOPS: Mapping[str, Callable[[str], Any]] = {
    **_PLACE,
    **_PAGE,
    "radius_m": _number(0, 100_000, above=True),
    "open_now": _flag,
}
_OFFERS: Mapping[str, Callable[[str], Any]] = {
    **_PLACE,
    **_PAGE,
    "radius_m": _number(0, 50_000, above=True),
    "visitor_id": _text(200),
    "segments": _text(1_000),
    "accuracy_m": _number(0, 100_000),
    "fix_at": _moment,
    "lang": _text(100),
    "explain": _flag,
}


#: What apps ask most, in any order: each of its parts is one group.
_USUAL = re.compile(
    rb"(?:(?:^|&)(?:lng=(-?\d{1,3}(?:\.\d{1,20})?)|lat=(-?\d{1,2}(?:\.\d{1,20})?)"
    rb"|radius_m=(\d{1,5}(?:\.\d{1,20})?)|limit=(\d{1,3})))+\Z"
)


def usual(query: bytes) -> Usual | None:
    """Place, radius and limit of a query that says no more and is right; None for any other."""
    found = _USUAL.match(query)
    if found is None:
        return None
    lng, lat, radius, limit = groups = found.groups()
    # As many groups as parts: none came twice.
    if lng is None or lat is None or 4 - groups.count(None) != query.count(b"&") + 1:
        return None
    x, y = float(lng), float(lat)
    radius_m, most = 1_000.0 if radius is None else float(radius), 20 if limit is None else int(limit)
    if not (-180 <= x <= 180 and -90 <= y <= 90 and 0 < radius_m <= 50_000 and 1 <= most <= 100):
        return None
    return Usual(x, y, radius_m, most)


def _read(query: bytes, known: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """The parameters of a query that is plainly right; `at` is where, `when` is when. Raises NotPlain."""
    values: dict[str, Any] = {}
    for part in query.decode("latin-1").split("&"):
        name, equals, text = part.partition("=")
        read = known.get(name)
        if read is None or not equals or name in values:
            raise NotPlain
        values[name] = read(unquote_plus(text) if "%" in text or "+" in text else text)
    if "lng" not in values or "lat" not in values:
        raise NotPlain
    if "at" in values:
        values["when"] = values["at"]
    values["at"] = LngLat(values.pop("lng"), values.pop("lat"))
    return values


def offers_asked(query: bytes, account: str) -> tuple[OfferQuery, str | None]:
    """A question for offers by an account, and the languages it names. Raises NotPlain."""
    values = _read(query, _OFFERS)
    lang = values.pop("lang", None)
    if "segments" in values:
        values["segments"] = segments_of(values["segments"])
    return OfferQuery(account=account, **values), lang


def shops_asked(query: bytes) -> ShopQuery:
    """A question for shops. Raises NotPlain."""
    return ShopQuery(**_read(query, _SHOPS))


class PlainPosition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """AskedPosition, strictly."""

    lng: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    accuracy_m: Annotated[float, msgspec.Meta(ge=0, le=100_000)] | None = None
    fix_at: None = None
    visitor_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class PlainMatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """MatchRequest, strictly: no category, no explanations, no times of a fix."""

    positions: Annotated[list[PlainPosition], msgspec.Meta(min_length=1, max_length=MOST_POSITIONS)]
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    radius_m: Annotated[float, msgspec.Meta(gt=0, le=50_000)] = 1_000.0
    at: str | None = None

    @property
    def when(self) -> datetime | None:
        """The moment asked about. Raises NotPlain."""
        if self.at is not None and not _MOMENT.match(self.at):
            raise NotPlain
        return None if self.at is None else _moment(self.at)

    def places(self) -> ManyPlaces:
        """The positions as columns. Raises NotPlain."""
        return ManyPlaces(
            lngs=np.array([one.lng for one in self.positions]),
            lats=np.array([one.lat for one in self.positions]),
            accuracies_m=np.array([one.accuracy_m or 0.0 for one in self.positions]),
            visited=np.array([one.visitor_id is not None for one in self.positions]),
            radius_m=self.radius_m,
            limit=self.limit,
            when=self.when,
        )

    def query(self, place: int, when: datetime, account: str) -> OfferQuery:
        """The question of an account at one of the positions."""
        one = self.positions[place]
        return OfferQuery(
            at=LngLat(one.lng, one.lat),
            radius_m=self.radius_m,
            limit=self.limit,
            account=account,
            visitor_id=one.visitor_id,
            accuracy_m=one.accuracy_m,
            when=when,
        )


_decode_match = msgspec.json.Decoder(PlainMatch).decode


def match_asked(body: bytes) -> PlainMatch:
    """A batch of positions. Raises NotPlain."""
    try:
        return _decode_match(body)
    except (msgspec.DecodeError, UnicodeDecodeError):  # a ValidationError is one of the former
        raise NotPlain from None
