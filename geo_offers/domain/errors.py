"""Every error that we raise on purpose, as one small tree; no HTTP in it.

An error carries facts as fields, and its message names the thing and the way out.
`code` is stable: it is what an API answer and a test may rely on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import shapely

    from geo_offers.domain.place import LngLat


class RowOfFault(NamedTuple):
    """One faulty row of an import.

    row      what a person would look up, such as "line 12" or "/features/3"
    pointer  a JSON Pointer into the row; "" is the row itself
    """

    row: str
    pointer: str
    code: str
    detail: str


class GeoOffersError(Exception):
    """Root of the tree; never raised itself."""

    code: ClassVar[str] = "error"


class InvalidInput(GeoOffersError):
    """What was given cannot be accepted as it is; `pointer` names the field, when there is one."""

    code = "invalid_input"

    def __init__(self, message: str, *, pointer: str | None = None) -> None:
        super().__init__(message)
        self.pointer = pointer


class CoordinateInvalid(InvalidInput):
    """A longitude or latitude that is not a finite number on the Earth."""

    code = "coordinate_invalid"


class CategoryUnknown(InvalidInput):
    """A category that is neither a leaf nor a group of our tree."""

    code = "category_unknown"


class TimeZoneUnknown(InvalidInput):
    """A time zone name that the IANA database does not have."""

    code = "time_zone_unknown"


class CursorInvalid(InvalidInput):
    """A cursor that we did not make, or that belongs to another query."""

    code = "cursor_invalid"


class CurrencyUnknown(InvalidInput):
    """A currency code that ISO 4217 does not list."""

    code = "currency_unknown"


class FileFault(InvalidInput):
    """A file that cannot be imported; `place` says where in it the fault is."""

    code = "file_fault"

    def __init__(self, message: str, *, place: str | None = None) -> None:
        super().__init__(f"{message} ({place})" if place else message)
        self.place = place


class PolygonFault(StrEnum):
    """Why a geometry is no polygon that we keep; the words are stable."""

    WRONG_TYPE = "wrong_type"
    MALFORMED = "malformed"
    EMPTY = "empty"
    NOT_FINITE = "not_finite"
    OUTSIDE_EARTH = "outside_earth"
    TOUCHES_POLE = "touches_pole"
    AMBIGUOUS_CROSSING = "ambiguous_crossing"
    TOO_FEW_POINTS = "too_few_points"
    RING_NOT_CLOSED = "ring_not_closed"
    ZERO_AREA = "zero_area"
    SELF_INTERSECTION = "self_intersection"
    RING_TOUCHES_ITSELF = "ring_touches_itself"
    DUPLICATE_RINGS = "duplicate_rings"
    HOLE_OUTSIDE_SHELL = "hole_outside_shell"
    NESTED_HOLES = "nested_holes"
    INTERIOR_DISCONNECTED = "interior_disconnected"
    NESTED_SHELLS = "nested_shells"
    OVERLAPPING_PARTS = "overlapping_parts"


class PolygonInvalid(InvalidInput):
    """A geometry that is no valid polygon on the Earth.

    at        where the fault is, when it is at a place
    pointer   into the GeoJSON geometry, when one was given and the fault is in its form
    repaired  the geometry that would be accepted instead; a proposal, never taken unasked
    """

    code = "polygon_invalid"

    def __init__(
        self, message: str, *, reason: PolygonFault, at: LngLat | None = None, pointer: str | None = None
    ) -> None:
        place = "" if at is None else f" at lng {round(at.lng, 7)!r}, lat {round(at.lat, 7)!r}"
        super().__init__(message + place, pointer=pointer)
        self.reason = reason
        self.at = at
        self.repaired: shapely.Polygon | shapely.MultiPolygon | None = None


class FenceInvalid(InvalidInput):
    """A fence that cannot be: a radius out of range, a circle over a pole."""

    code = "fence_invalid"


class FenceTooLarge(InvalidInput):
    """A fence with more corners or a greater area than is served."""

    code = "fence_too_large"


class ScheduleInvalid(InvalidInput):
    """Times that end before they start, or weekly hours that cannot be read."""

    code = "schedule_invalid"


class PromotionInvalid(InvalidInput):
    """A promotion document that is not as documented; `pointer` names the member."""

    code = "promotion_invalid"


class ShopInvalid(InvalidInput):
    """A shop document that is not as documented; `pointer` names the member."""

    code = "shop_invalid"


class MerchantInvalid(InvalidInput):
    """A merchant's profile that is not as documented; `pointer` names the member."""

    code = "merchant_invalid"


class JsonInvalid(InvalidInput):
    """A body that is no JSON object of ours.

    code  json_invalid, json_not_utf8, json_too_deep or json_not_finite
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]


class TooLarge(InvalidInput):
    """More at once than is taken."""

    code = "too_large"


class FormatUnknown(InvalidInput):
    """A body of a kind that is not read here."""

    code = "format_unknown"


class RowsFaulty(InvalidInput):
    """Rows that cannot be imported, each with its fault; nothing was.

    rows  where, which member, which code, in which words; the first 1,000
    """

    code = "rows_faulty"

    def __init__(self, message: str, *, rows: Sequence[RowOfFault]) -> None:
        super().__init__(message)
        self.rows = rows


class NotFound(GeoOffersError):
    """The thing does not exist, or not for this caller."""

    code = "not_found"


class ShopNotFound(NotFound):
    code = "shop_not_found"


class DistrictNotFound(NotFound):
    code = "district_not_found"


class PromotionNotFound(NotFound):
    code = "promotion_not_found"


class Conflict(GeoOffersError):
    """The request was right, but something else got there first."""

    code = "conflict"


class MerchantNotFound(NotFound):
    code = "merchant_not_found"


class KeyNotFound(NotFound):
    code = "key_not_found"


class CouponNotFound(NotFound):
    code = "coupon_not_found"


class RedemptionNotFound(NotFound):
    code = "redemption_not_found"


class CodeInvalid(InvalidInput):
    """A coupon code that cannot be one: a typo, or a character that codes do not have."""

    code = "code_invalid"


class BasketInvalid(InvalidInput):
    """A basket that a discount cannot be worked out for: no total where one is needed, or another currency."""

    code = "basket_invalid"


class KeyReused(InvalidInput):
    """An Idempotency-Key that came before with another request."""

    code = "idempotency_key_reused"


class KeyMalformed(InvalidInput):
    """An Idempotency-Key that is none: empty, too long, given twice, or with blanks."""

    code = "idempotency_key_invalid"


class Unauthorized(GeoOffersError):
    """No key, or none that is valid now."""

    code = "key_invalid"


class Forbidden(GeoOffersError):
    """The key's role may not do this."""

    code = "role_not_allowed"


class TooManyRequests(GeoOffersError):
    """The key has used up its rate; `retry_after_s` says when to come again.

    per_minute, reset_s  the rate, and when all of it is there again; 0 where it is not a rate that is used up
    """

    code = "rate_limited"

    def __init__(
        self, message: str, *, retry_after_s: float, per_minute: int = 0, reset_s: float = 0.0
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.per_minute = per_minute
        self.reset_s = reset_s


class PreconditionFailed(GeoOffersError):
    """The thing is no longer what If-Match says; read it again."""

    code = "precondition_failed"


class PreconditionRequired(GeoOffersError):
    """An update must say, by If-Match, what it is an update of."""

    code = "precondition_required"


class Refused(GeoOffersError):
    """What was asked is understood and cannot be had; nothing was spent. Its facts say what is in the way."""

    code = "refused"

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.facts = facts


class NotEligible(Refused):
    """A promotion that is no offer for this claim; the code is the decisive reason (see domain.offer.Reason)."""

    def __init__(self, message: str, *, reason: str, **facts: object) -> None:
        super().__init__(message, **facts)
        self.code = reason  # type: ignore[misc]


class PositionRefused(NotEligible):
    """A position that is missing, stale or vague: position_missing, position_stale, position_vague."""


class AlreadyRedeemed(Refused):
    code = "already_redeemed"


class CouponExpired(Refused):
    code = "coupon_expired"


class WrongShop(Refused):
    """A shop where this promotion is not honoured."""

    code = "wrong_shop"


class AlreadyRolledBack(Refused):
    code = "already_rolled_back"


class SpendTooLow(Refused):
    """A basket below the least spending of a benefit."""

    code = "spend_too_low"


class CodesExhausted(Refused):
    """A promotion whose pool of codes is empty."""

    code = "codes_exhausted"


class StatusRefused(Refused):
    """A step that a promotion cannot take from the status that it has, such as resuming an ended one."""

    code = "status_refused"


class CodeTaken(Conflict):
    """A code that another coupon has, or that waits in a pool."""

    code = "code_taken"


class StillRunning(Conflict):
    """The same Idempotency-Key is being worked on right now."""

    code = "still_running"


class OutputExists(Conflict):
    """A file that would be overwritten."""

    code = "output_exists"

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(message)
        self.path = path


class StoreUnavailable(GeoOffersError):
    """The store cannot answer now; nothing was changed, a retry may help."""

    code = "store_unavailable"


class SchemaOutdated(StoreUnavailable):
    """The store's tables are of another version than this program's."""

    code = "schema_outdated"


class AddressUnavailable(GeoOffersError):
    """An address or port that cannot be listened on."""

    code = "address_unavailable"

    def __init__(self, message: str, *, host: str, port: int) -> None:
        super().__init__(message)
        self.host = host
        self.port = port


class KernelCacheUnavailable(GeoOffersError):
    """There is no folder in which compiled kernels could be kept."""

    code = "kernel_cache_unavailable"


class Interrupted(GeoOffersError):
    """The person at the keyboard ended a command before it was done."""

    code = "interrupted"


class RevisionNotReached(StoreUnavailable):
    """A revision that was asked for is not served yet; a retry may help."""

    code = "revision_not_reached"


class Taken(Conflict):
    """An id, or another key of a thing, that something else has; `pointer` names whose it would have been."""

    def __init__(self, message: str, *, pointer: str | None = None) -> None:
        super().__init__(message)
        self.pointer = pointer
