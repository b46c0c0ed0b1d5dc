"""Files of shops and promotions that come as the body of a request, read by the readers of files."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from geo_offers.domain.errors import FileFault, FormatUnknown, RowOfFault
from geo_offers.domain.place import Shop, Source, shop_id_of
from geo_offers.domain.promotion import Merchant, Promotion
from geo_offers.domain.shop_document import LICENCE, PROVIDER, may_be_external_id
from geo_offers.services.importing import MOST_LISTED, Rows, refusal
from geodata.files import Format, open_shops
from geodata.promotions import PromotionReport, RowsRefused, read_promotions
from geodata.report import ReadReport
from geodata.rows import ReadOptions

#: Content types, and the ending of a file of that kind.
PROMOTION_KINDS: Mapping[str, str] = MappingProxyType(
    {"application/geo+json": "geojson", "application/x-ndjson": "ndjson"}
)
SHOP_KINDS: Mapping[str, str] = MappingProxyType({**PROMOTION_KINDS, "text/csv": "csv"})


def promotions_in(body: bytes, kind: str, owner: Merchant) -> Rows[Promotion]:
    """The promotions of a body, all of this merchant. Raises FormatUnknown, RowsFaulty, FileFault."""
    with tempfile.TemporaryDirectory() as folder:
        path = _written(body, folder, kind, PROMOTION_KINDS)
        try:
            found = read_promotions(path, PromotionReport(), owner=owner)
        except RowsRefused as fault:
            raise refusal(fault.rows) from fault
    return Rows(found.promotions, list(found.places.values()))


def shops_in(body: bytes, kind: str, merchant_id: str) -> Rows[Shop]:
    """The shops of a body, all of this merchant. Raises FormatUnknown, RowsFaulty, FileFault."""
    report = ReadReport(most_faults=MOST_LISTED)
    options = ReadOptions(provider=PROVIDER, licence=LICENCE, skip_bad_rows=True)
    shops: list[Shop] = []
    places: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        path = _written(body, folder, kind, SHOP_KINDS)
        file_format = Format.CSV if path.suffix == ".csv" else Format.GEOJSON
        try:
            for shop in open_shops(path, report, options, file_format=file_format):
                places.append(f"row {report.read}")
                if may_be_external_id(shop.source.id):
                    shops.append(_own(shop, merchant_id))
                else:
                    report.faults.append(
                        RowOfFault(places[-1], "", "shop_invalid", "an id does not begin with ~")
                    )
        except FileFault:
            if not report.faults:
                raise
    if report.faults:
        raise refusal(report.faults)
    return Rows(shops, places)


def _own(shop: Shop, merchant_id: str) -> Shop:
    """The shop as a merchant's own, which its id says."""
    source = Source(PROVIDER, f"{merchant_id}:{shop.source.id}", LICENCE)
    return replace(shop, id=shop_id_of(source.provider, source.id), source=source)


def _written(body: bytes, folder: str, kind: str, kinds: Mapping[str, str]) -> Path:
    if kind not in kinds:
        raise FormatUnknown(f"the body is {kind or 'of no kind'}; known here are {', '.join(kinds)}")
    path = Path(folder) / f"body.{kinds[kind]}"
    path.write_bytes(body)
    return path
