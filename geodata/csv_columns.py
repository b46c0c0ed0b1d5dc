"""Which column of a table is which field of a shop: as told, else guessed from common headers."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from geo_offers.domain.errors import FileFault
from geodata.category_words import spelled
from geodata.osm_tags import language_tag
from geodata.rows import shown

# Our field, then headers that mean it, the surest first; blanks, _, - and . in headers do not count.
_HEADERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "name": (
            "name", "shopname", "storename", "merchantname", "title",
            "店名", "店铺名称", "店鋪名稱", "商户名称", "商戶名稱", "商家名称", "门店名称", "名称", "名稱",
            "名字", "店舗名", "店舗名称", "施設名", "屋号",
        ),
        "lng": ("lng", "lon", "long", "longitude", "x", "经度", "經度", "経度"),
        "lat": ("lat", "latitude", "y", "纬度", "緯度"),
        "category": (
            "category", "categories", "type", "kind", "cuisine",
            "类别", "類別", "分类", "分類", "类型", "類型", "业态", "カテゴリ",
            "カテゴリー", "業種", "ジャンル", "種別",
        ),
        "id": ("id", "shopid", "storeid", "externalid", "sourceid", "编号", "編號", "番号"),
        "address": ("address", "addr", "地址", "住所", "所在地"),
        "opening_hours": ("openinghours", "hours", "营业时间", "營業時間", "営業時間"),
        "brand": ("brand", "品牌", "ブランド"),
        "key": ("key",),
        "value": ("value",),
    }
)  # fmt: skip
_MOST_SHOWN = 12
REQUIRED = ("name", "lng", "lat")


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions of our fields in a row, -1 for a field that the table does not have.

    names  BCP 47 tag -> position
    width  how many fields every row has
    """

    width: int
    name: int
    lng: int
    lat: int
    category: int = -1
    id: int = -1
    address: int = -1
    opening_hours: int = -1
    brand: int = -1
    key: int = -1
    value: int = -1
    names: Mapping[str, int] = field(default_factory=dict)


def columns_of(header: Sequence[str], told: Mapping[str, str], *, file: str) -> Columns:
    """The columns by `told` (our field -> the file's header or its number from 1), the rest guessed.

    Of several headers for one field the surest is taken, as category before type. Raises FileFault, with the
    header it saw, for a told column that is not there, an unknown field, when no column for name, lng or lat
    can be found, and when it is not clear which column is meant: two of one header, two for lng or for lat.
    """
    plain = [_plain(word) for word in header]
    left = {name: headers for name, headers in _HEADERS.items() if name not in told}
    places = dict.fromkeys(_HEADERS, -1) | {
        name: _guess(name, headers, plain, header, file=file) for name, headers in left.items()
    }
    names = _names(header, {tag for name in told if (tag := _language_of(name))}, file=file)
    for name, column in told.items():
        place = _told(name, column, header, file=file)
        tag = _language_of(name)
        if tag:
            names[tag] = place
        elif name in places:
            places[name] = place
        else:
            known = ", ".join(_HEADERS)
            raise FileFault(f"{shown(name)} is not a field of a shop; those are {known} and name_xx")
    missing = [name for name in REQUIRED if places[name] < 0]
    if missing:
        saw = ", ".join(map(shown, header[:12]))
        way_out = f"say which is which, as in --map {missing[0]}=COLUMN"
        raise FileFault(
            f"{file} has no column for {' and '.join(missing)} among {saw}; {way_out}", place="line 1"
        )
    return Columns(width=len(header), names=names, **places)


def _guess(
    name: str, headers: Sequence[str], plain: Sequence[str], header: Sequence[str], *, file: str
) -> int:
    fitting = [place for word in headers for place, one in enumerate(plain) if one == word]
    if not fitting:
        return -1
    # A wrong coordinate looks like a right one; a type beside a category does not.
    rivals = fitting if name in ("lng", "lat") else [i for i in fitting if plain[i] == plain[fitting[0]]]
    _require_one(rivals, name, header, file=file)
    return fitting[0]


def _names(header: Sequence[str], told: Container[str], *, file: str) -> dict[str, int]:
    places: dict[str, list[int]] = {}
    for place, word in enumerate(header):
        tag = _language_of(word)
        if tag and tag not in told:
            places.setdefault(tag, []).append(place)
    for tag, rivals in places.items():
        _require_one(rivals, f"name_{tag}", header, file=file)
    return {tag: place for tag, (place, *_) in places.items()}


def _require_one(rivals: Sequence[int], name: str, header: Sequence[str], *, file: str) -> None:
    if len(rivals) > 1:
        columns = " and ".join(f"{shown(header[i])} (number {i + 1})" for i in sorted(rivals)[:_MOST_SHOWN])
        way_out = f"say which one, as in --map {name}={min(rivals) + 1}"
        raise FileFault(f"{file} has {len(rivals)} columns for {name}: {columns}; {way_out}", place="line 1")


def _told(name: str, column: str, header: Sequence[str], *, file: str) -> int:
    wanted = spelled(column)
    fitting = [place for place, word in enumerate(header) if word == column] or [
        place for place, word in enumerate(header) if spelled(word) == wanted
    ]
    _require_one(fitting, name, header, file=file)
    if fitting:
        return fitting[0]
    if column.isascii() and column.isdecimal() and 1 <= int(column) <= len(header):
        return int(column) - 1
    raise FileFault(f"{file} has no column {shown(column)}; it has {_saw(header)}", place="line 1")


def _saw(header: Sequence[str]) -> str:
    return ", ".join(map(shown, header[:_MOST_SHOWN])) + (", …" if len(header) > _MOST_SHOWN else "")


def _plain(word: str) -> str:
    return "".join(mark for mark in spelled(word) if mark not in " _-.　")


def _language_of(word: str) -> str | None:
    """The language of a header such as name_en, name:zh-Hans or name_zh_hant; None for others."""
    word = word.strip()
    if word[:5] not in ("name_", "name:"):
        return None
    return language_tag(word[5:].replace("_", "-"))
