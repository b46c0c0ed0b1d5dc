"""Every error that we raise on purpose, as one small tree; no HTTP in it.

An error carries facts as fields, and its message names the thing and the way out.
`code` is stable: it is what an API answer and a test may rely on.
"""

from __future__ import annotations

from typing import ClassVar


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


class NotFound(GeoOffersError):
    """The thing does not exist, or not for this caller."""

    code = "not_found"


class ShopNotFound(NotFound):
    code = "shop_not_found"


class DistrictNotFound(NotFound):
    code = "district_not_found"


class Conflict(GeoOffersError):
    """The request was right, but something else got there first."""

    code = "conflict"


class StoreUnavailable(GeoOffersError):
    """The store cannot answer now; nothing was changed, a retry may help."""

    code = "store_unavailable"


class SchemaOutdated(StoreUnavailable):
    """The store's tables are of another version than this program's."""

    code = "schema_outdated"
