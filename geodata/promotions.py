"""Files of promotions: one document a line, or GeoJSON whose geometry is the fence; plain or gzipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from geo_offers.domain.document_members import Members, faults_at
from geo_offers.domain.errors import FileFault, InvalidInput, PromotionInvalid, RowOfFault
from geo_offers.domain.place import shop_id_of
from geo_offers.domain.promotion import Merchant, Promotion
from geo_offers.domain.promotion_document import (
    fence_document,
    merchant_id_of,
    promotion_id_of,
    promotion_of,
)
from geodata.geojson_document import LINE_EXTENSIONS, FeatureText, decoded, features_in
from geodata.open_file import check_readable
from geodata.rows import RowFault

_ENDINGS = (*LINE_EXTENSIONS, ".geojson", ".json")
_SHOWN_FAULTS = 5
_ID_PREFIX = "prm_"
# Where in a feature the members of a fence are that was drawn.
_DRAWN = (
    ("/fence/geometry", "/geometry"),
    ("/fence/center", "/geometry/coordinates"),
    ("/fence/radius_m", "/properties/radius_m"),
    ("/fence", "/geometry"),
)


@dataclass(slots=True)
class PromotionReport:
    """What a reading of promotions saw."""

    read: int = 0
    by_fence: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class ReadPromotions:
    """The promotions of a file in its order, and the merchants that they are of."""

    promotions: list[Promotion] = field(default_factory=list)
    merchants: dict[str, Merchant] = field(default_factory=dict)
    places: dict[tuple[str, str], str] = field(default_factory=dict)

    def take(self, promotion: Promotion, merchant: Merchant, place: str) -> None:
        """One more. Raises PromotionInvalid when it, or its merchant under another name, was there before."""
        known = self.merchants.setdefault(merchant.id, merchant)
        if known != merchant:
            raise PromotionInvalid(
                f"merchant {merchant.id} is {known.name!r} and {merchant.name!r}", pointer="/merchant/name"
            )
        name = promotion.external_id or promotion.id
        before = self.places.setdefault((merchant.id, name), place)
        if before != place:
            raise PromotionInvalid(
                f"{merchant.name!r} has {name!r} already at {before}", pointer="/external_id"
            )
        self.promotions.append(promotion)


class RowsRefused(FileFault):
    """A file of promotions with faulty rows. rows: where each is, which member, which code, in which words."""

    def __init__(self, message: str, *, rows: Sequence[RowOfFault]) -> None:
        super().__init__(message)
        self.rows = rows


class _Feature(msgspec.Struct, frozen=True):
    type: Literal["Feature"]
    properties: dict[str, Any] | None
    geometry: dict[str, Any] | None
    id: str | int | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class _Row:
    """A row as a promotion document with the members that only files have: id and merchant."""

    document: dict[str, Any]
    is_feature: bool = False
    is_drawn: bool = False

    def pointer(self, pointer: str) -> str:
        """Where in the file's row a member of the document is."""
        if self.is_drawn:
            for inside, outside in _DRAWN:
                if pointer.startswith(inside):
                    return outside + pointer.removeprefix(inside)
        return f"/properties{pointer}" if self.is_feature else pointer


def read_promotions(
    path: Path, report: PromotionReport, *, merchant: str | None = None, owner: Merchant | None = None
) -> ReadPromotions:
    """The promotions of a file, all or none.

    merchant  name of the merchant of rows that do not say theirs
    owner     whose all rows are: none says a merchant or an id of ours

    A row is a promotion document with two more members. `merchant` is a name, {"name"} or {"id", "name"}. `id` is
    ours when it begins with "prm_", else the external_id of a row without one. One of shop_ids may be
    {"provider", "id"} in place of our id. In GeoJSON the properties are the document; a Polygon or
    MultiPolygon is the fence, so is a Point with the property radius_m, and without a geometry the fence is
    a property; null properties are as if they were not there.

    Raises RowsRefused with every faulty row (five of them in words), and FileFault for a file without any row.
    """
    check_readable(path)
    if not path.name.lower().removesuffix(".gz").endswith(_ENDINGS):
        raise FileFault(f"{path.name} is of no known kind; known are {', '.join(_ENDINGS)}")
    found = ReadPromotions()
    faults: list[RowOfFault] = []
    for place, text in features_in(path, what="promotion", check_bare=lambda _: None):
        report.read += 1
        try:
            _take(text, place, owner or merchant, found)
        except RowFault as fault:
            cause = fault.__cause__
            code = cause.code if isinstance(cause, InvalidInput) else fault.code
            faults.append(RowOfFault(place, fault.pointer or "", code, str(fault)))
    if faults:
        raise _refusal(path, faults)
    if not found.promotions:
        raise FileFault(f"there is no promotion in {path.name}; it has no rows")
    report.by_fence.update(fence_document(one.fence)["type"] for one in found.promotions)
    report.by_status.update(one.status.value for one in found.promotions)
    return found


def _take(text: FeatureText, place: str, merchant: Merchant | str | None, found: ReadPromotions) -> None:
    """Raises RowFault, its pointer into the row."""
    row = _row_of(text, in_collection=not place.startswith("line"))
    try:
        found.take(*_promotion_of(row.document, merchant), place)
    except InvalidInput as fault:
        raise RowFault(str(fault), pointer=row.pointer(fault.pointer or "")) from fault


def _row_of(text: FeatureText, *, in_collection: bool) -> _Row:
    try:
        given = msgspec.json.decode(text)
    except (ValueError, RecursionError) as fault:
        raise RowFault(f"not sound JSON: {fault}") from fault
    if not isinstance(given, dict):
        raise RowFault("a row is an object")
    if in_collection or "type" in given:
        return _row_of_feature(decoded(lambda _: msgspec.convert(given, _Feature), text))
    return _Row(given)


def _row_of_feature(feature: _Feature) -> _Row:
    document = {name: value for name, value in (feature.properties or {}).items() if value is not None}
    if not isinstance(feature.id, msgspec.UnsetType):
        document.setdefault("id", feature.id)
    if feature.geometry is None:
        return _Row(document, is_feature=True)
    if "fence" in document:
        raise RowFault("a geometry and a property both tell the fence", pointer="/properties/fence")
    document["fence"] = _drawn_fence(feature.geometry, document)
    return _Row(document, is_feature=True, is_drawn=True)


def _drawn_fence(geometry: Mapping[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if geometry.get("type") != "Point":
        return {"type": "polygon", "geometry": geometry}
    if "radius_m" not in document:
        raise RowFault("a Point needs the property radius_m to be a fence", pointer="/properties/radius_m")
    center = geometry.get("coordinates")
    if isinstance(center, list):
        center = center[:2]  # the height
    return {"type": "circle", "center": center, "radius_m": document.pop("radius_m")}


def _promotion_of(given: Mapping[str, Any], whose: Merchant | str | None) -> tuple[Promotion, Merchant]:
    document = dict(given)
    own_id = _own_id(document)
    if isinstance(whose, Merchant):
        merchant = whose
        _refuse_ours(document, own_id)
    else:
        merchant = _merchant_of(document.pop("merchant", whose))
    external_id = document.get("external_id")
    if own_id is None:
        if external_id is None:
            raise PromotionInvalid(
                "a promotion in a file needs an external_id, by which it is known again",
                pointer="/external_id",
            )
        own_id = promotion_id_of(merchant.id, str(external_id).strip())
    if isinstance(document.get("shop_ids"), list):
        document["shop_ids"] = [_shop_id_of(one, place) for place, one in enumerate(document["shop_ids"])]
    return promotion_of(document, promotion_id=own_id, merchant_id=merchant.id), merchant


def _refuse_ours(document: Mapping[str, Any], own_id: str | None) -> None:
    for name, is_said in (("merchant", "merchant" in document), ("id", own_id is not None)):
        if is_said:
            raise PromotionInvalid(f"{name} is not yours to say here", pointer=f"/{name}")


def _merchant_of(given: Any) -> Merchant:
    if given is None:
        raise PromotionInvalid("the row says no merchant; --merchant NAME does for all", pointer="/merchant")
    if isinstance(given, str):
        name = Members({"merchant": given}, "").text("merchant")
        return Merchant(merchant_id_of(name), name)
    members = Members(given, "/merchant")
    members.only("id", "name")
    name = members.text("name")
    with faults_at("/merchant/id"):
        return Merchant(members.optional_text("id") or merchant_id_of(name), name)


def _own_id(document: dict[str, Any]) -> str | None:
    """Our id of the promotion; another id becomes its external_id where that is absent."""
    given = document.pop("id", None)
    if isinstance(given, str) and given.startswith(_ID_PREFIX):
        return given
    if given is not None and document.get("external_id") is None:
        if isinstance(given, bool) or not isinstance(given, str | int):
            raise PromotionInvalid(f"id is {given!r}, not a text or a whole number", pointer="/id")
        document["external_id"] = str(given)
    return None


def _shop_id_of(given: Any, place: int) -> Any:
    """The id of a shop that is named by its source; what is no such object is left to the document's check."""
    if not isinstance(given, dict):
        return given
    members = Members(given, f"/shop_ids/{place}")
    members.only("provider", "id")
    return shop_id_of(members.text("provider"), members.text("id"))


def _refusal(path: Path, faults: list[RowOfFault]) -> RowsRefused:
    shown = [f"{fault.detail} ({fault.row}{fault.pointer})" for fault in faults[:_SHOWN_FAULTS]]
    if len(faults) == 1:
        return RowsRefused(f"{path.name}: {shown[0]}", rows=faults)
    more = len(faults) - _SHOWN_FAULTS
    words = "; ".join(shown) + (f"; and {more:,} more" if more > 0 else "")
    return RowsRefused(f"{path.name}: {len(faults):,} faults: {words}", rows=faults)
