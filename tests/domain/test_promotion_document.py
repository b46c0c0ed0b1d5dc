"""The promotion document: PRODUCT.md's example, the round trip, and a pointer to every fault."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_offers.domain.errors import (
    CoordinateInvalid,
    CurrencyUnknown,
    FenceInvalid,
    FenceTooLarge,
    InvalidInput,
    PolygonInvalid,
    PromotionInvalid,
    ScheduleInvalid,
    TimeZoneUnknown,
)
from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, PolygonFence
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import (
    AmountOff,
    Audience,
    BuyXGetY,
    FreeItem,
    Limits,
    PercentOff,
    PeriodLimits,
    Points,
    Promotion,
    Status,
)
from geo_offers.domain.promotion_document import document_of, merchant_id_of, promotion_id_of, promotion_of
from geo_offers.domain.schedule import Schedule

EXAMPLE: dict[str, Any] = json.loads("""
{"external_id": "spring-1", "title": "两件八折", "title_i18n": {"en": "20 % off two"}, "benefit": {"type": "percent_off", "basis_points": 2000},
 "fence": {"type": "circle", "center": [121.4737, 31.2304], "radius_m": 300}, "shop_ids": ["shp_0123456789abcdef"], "starts_at": "2026-12-01T00:00:00+08:00",
 "ends_at": "2026-12-31T00:00:00+08:00", "weekly_hours": "Mo-Fr 09:00-18:00", "time_zone": "Asia/Shanghai", "listed": true, "max_accuracy_m": 150, "status": "active",
 "limits": {"max_claims": 100, "max_redemptions": 30, "max_per_visitor": 1, "budget_minor": 50000, "currency": "CNY"}, "audience": {"segments": []}}
""")  # noqa: E501 - as PRODUCT.md has it
MERCHANT_ID = merchant_id_of("鹭鸣咖啡")
PROMOTION_ID = promotion_id_of(MERCHANT_ID, "spring-1")
SQUARE = [[121.0, 31.0], [121.01, 31.0], [121.01, 31.01], [121.0, 31.01], [121.0, 31.0]]
BOW_TIE = [[121.0, 31.0], [121.01, 31.01], [121.01, 31.0], [121.0, 31.01], [121.0, 31.0]]


def read(document: Any) -> Promotion:
    return promotion_of(document, promotion_id=PROMOTION_ID, merchant_id=MERCHANT_ID)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The example with one member set; "gone" takes it out."""
    document = copy.deepcopy(EXAMPLE)
    *steps, last = path.split("/")[1:]
    inner = document
    for step in steps:
        inner = inner[step]
    if value == "gone":
        del inner[last]
    else:
        inner[last] = value
    return document


def polygon(ring: Any, **more: Any) -> dict[str, Any]:
    return {"type": "polygon", "geometry": {"type": "Polygon", "coordinates": [ring], **more}}


def test_the_documented_example_is_read_and_written_as_it_stands():
    promotion = read(EXAMPLE)
    china = timezone(timedelta(hours=8))
    assert promotion == Promotion(
        id=PROMOTION_ID,
        merchant_id=MERCHANT_ID,
        external_id="spring-1",
        title="两件八折",
        title_i18n={"en": "20 % off two"},
        benefit=PercentOff(2_000),
        fence=CircleFence(LngLat(121.4737, 31.2304), 300.0),
        shop_ids=("shp_0123456789abcdef",),
        schedule=Schedule(
            datetime(2026, 12, 1, tzinfo=china),
            datetime(2026, 12, 31, tzinfo=china),
            "Mo-Fr 09:00-18:00",
            "Asia/Shanghai",
        ),
        status=Status.ACTIVE,
        limits=Limits(100, 30, 1, 50_000, "CNY"),
    )
    assert json.dumps(document_of(promotion)) == json.dumps(EXAMPLE)


def test_what_is_left_out_is_a_listed_draft_without_limits_for_everybody():
    names = ("title", "benefit", "fence", "starts_at", "ends_at")
    promotion = read({name: EXAMPLE[name] for name in names})
    assert (promotion.status, promotion.listed, promotion.max_accuracy_m) == (Status.DRAFT, True, 150)
    assert (promotion.limits, promotion.audience, promotion.shop_ids) == (Limits(), Audience(), ())
    assert (promotion.external_id, promotion.schedule.weekly_hours) == (None, None)
    assert promotion.schedule.time_zone == "UTC"


def test_null_is_nothing_where_nothing_is_allowed():
    document = changed("/limits", dict.fromkeys(EXAMPLE["limits"]))
    assert read(document | {"external_id": None, "weekly_hours": None}).limits == Limits()


NEEDED = ("/title", "/benefit", "/fence", "/starts_at", "/ends_at", "/benefit/type", "/benefit/basis_points",
          "/fence/type", "/fence/center", "/fence/radius_m")  # fmt: skip


@pytest.mark.parametrize("pointer", NEEDED)
def test_a_member_that_is_missing_is_named(pointer: str):
    with pytest.raises(PromotionInvalid, match="is missing") as refused:
        read(changed(pointer, "gone"))
    assert refused.value.pointer == pointer


UNKNOWN = (
    "/titel",
    "/id",
    "/merchant",
    "/benefit/max",
    "/fence/radius",
    "/limits/max_claim",
    "/audience/segment",
)


@pytest.mark.parametrize("pointer", UNKNOWN)
def test_a_member_that_is_not_known_is_refused_by_name(pointer: str):
    with pytest.raises(PromotionInvalid, match=pointer.rpartition("/")[2]) as refused:
        read(changed(pointer, 1))
    assert refused.value.pointer == pointer


def test_a_strange_name_is_escaped_in_its_pointer():
    with pytest.raises(PromotionInvalid) as refused:
        read(EXAMPLE | {"a/b~c": 1})
    assert refused.value.pointer == "/a~1b~0c"


PERIOD = {"period": "day", "max_claims": 10}
WHOLE = ("/benefit/basis_points", "/limits/max_claims", "/limits/max_redemptions", "/limits/max_per_visitor",
         "/limits/budget_minor")  # fmt: skip
WRONG: list[tuple[str, Any, str]] = [
    *((pointer, value, "whole number") for pointer in WHOLE for value in (True, 2.0, "2", [2], {})),
    *((pointer, value, "") for pointer in WHOLE for value in (0, -1, 2**53 + 1)),
    *((name, value, "number") for name in ("/fence/radius_m", "/max_accuracy_m") for value in (True, "9", None)),
    *(("/fence/radius_m", value, "") for value in (0.99, 50_001, -1, 10**400, float("nan"), float("inf"))),
    *(("/max_accuracy_m", value, "") for value in (0, 10_001, float("nan"))),
    *(("/listed", value, "true or false") for value in (1, 0, "true", None)),
    *(("/status", value, "draft, active") for value in ("ACTIVE", "live", 1, None)),
    *(("/title", value, "text") for value in (1, None, ["a"])),
    *(("/title", value, "") for value in ("", "  ", "a\x00b", "a\u202eb", "\ud800", "x" * 513, "\ufb2c" * 512)),
    *(("/title_i18n", value, "object") for value in (None, [], "en")),
    ("/title_i18n", {"en": ""}, "/title_i18n/en"),
    ("/title_i18n", {"zh_Hant": "x"}, "/title_i18n/zh_Hant"),
    ("/title_i18n", {"": "x"}, "/title_i18n/"),
    *(("/benefit", value, "object") for value in (None, [], "percent_off")),
    *(("/benefit/type", value, "percent_off, amount_off") for value in ("percent", None, 1)),
    ("/benefit/max_minor", 1.5, "whole number"),
    *(("/fence/center", value, "list of 2 numbers") for value in ([1], [1, 2, 3], "1,2", None, {"lng": 1})),
    ("/fence/center", [121, "31"], "/fence/center/1"),
    ("/fence/center", [True, 31], "/fence/center/0"),
    ("/fence/center", [181, 31], "/fence/center/0"),
    ("/fence/center", [31.2304, 121.4737], "/fence/center/1"),
    ("/fence/center", [0, 89.9999], "pole"),
    *(("/shop_ids", value, "list of texts") for value in (None, "shp_1", {})),
    ("/shop_ids", ["shp_1", 2], "/shop_ids/1"),
    ("/shop_ids", ["shp_1", "shp_1"], "twice"),
    ("/shop_ids", [f"shp_{n}" for n in range(1_001)], "1,000"),
    *(
        ("/starts_at", value, "time with its zone")
        for value in (
            1, None, "2026-12-01", "2026-12-01T00:00:00", "2026-12-01 00:00:00Z", "2026-12-01T24:00:00Z",
            "2026-13-01T00:00:00Z", "2026-12-01T00:00:60Z", "2026-12-01T00:00Z", "20261201T000000Z", "now",
            "2026-12-01T00:00:00+0800", "0001-01-01T00:00:00+08:00", "２026-12-01T00:00:00Z",
        )
    ),
    ("/ends_at", "2026-12-01T00:00:00+08:00", "later"),
    ("/ends_at", "9999-12-31T23:59:59-08:00", "time with its zone"),
    *(("/weekly_hours", value, "") for value in ("", "Mo-Fr 9 to 18 hrs!", 9, "Mo" * 1_000)),
    *(("/time_zone", value, "") for value in ("Mars/Olympus", "", 8, None, "../UTC", "a\x00")),
    ("/limits/currency", "RMB", "ISO 4217"),
    ("/limits/currency", None, "needs a currency"),
    ("/limits", [], "object"),
    *(("/limits/per_period", value, "object") for value in (10, "day", [])),
    ("/limits/per_period", {}, "/limits/per_period/period"),
    ("/limits/per_period", {"max_claims": 1}, "/limits/per_period/period"),
    ("/limits/per_period", {"period": "day"}, "limits one of max_claims, max_redemptions"),
    ("/limits/per_period", {"period": "day", "max_claims": None}, "limits one of"),
    ("/limits/per_period", PERIOD | {"currency": "CNY"}, "/limits/per_period/currency"),
    ("/limits/per_period", PERIOD | {"budget_minor": 1}, "/limits/per_period/budget_minor"),
    *(("/limits/per_period", PERIOD | {"period": value}, "/limits/per_period/period") for value in ("Day", "year", 1, None)),
    *(
        ("/limits/per_period", PERIOD | {"max_claims": value}, "/limits/per_period/max_claims")
        for value in (0, -1, 1.0, "1", True, 101)
    ),
    ("/limits/per_period", PERIOD | {"max_redemptions": 31}, "/limits/per_period/max_redemptions"),
    ("/limits/per_period", PERIOD | {"max_per_visitor": 2}, "/limits/per_period/max_per_visitor"),
    ("/audience/segments", "student", "list of texts"),
    ("/audience/segments", ["Student!"], "small letters"),
    ("/audience/visitors", "old", "all, new, returning"),
    ("/external_id", 7, "text"),
    ("/external_id", "x" * 257, "256"),
]  # fmt: skip


@pytest.mark.parametrize(("pointer", "value", "word"), WRONG, ids=lambda value: ascii(value)[:40])
def test_a_wrong_member_is_refused_with_its_pointer(pointer: str, value: Any, word: str):
    with pytest.raises(InvalidInput) as refused:
        read(changed(pointer, value))
    if word.startswith("/"):
        assert refused.value.pointer == word
    else:
        assert refused.value.pointer == pointer
        assert word in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("document", [None, [], "x", 1, True])
def test_what_is_no_object_is_no_document(document: Any):
    with pytest.raises(PromotionInvalid, match=r"the document is .*, not an object") as refused:
        read(document)
    assert refused.value.pointer == ""


BENEFITS: list[tuple[dict[str, Any], str]] = [
    ({"type": "amount_off", "amount_minor": 5, "currency": "XYZ"}, "/benefit/currency"),
    ({"type": "amount_off", "amount_minor": 5}, "/benefit/currency"),
    ({"type": "amount_off", "amount_minor": 0, "currency": "CNY"}, "/benefit/amount_minor"),
    ({"type": "amount_off", "amount_minor": 5, "currency": "CNY", "min_spend_minor": 1.0}, "/benefit/min_spend_minor"),
    ({"type": "amount_off", "amount_minor": 5, "currency": "CNY", "points": 1}, "/benefit/points"),
    ({"type": "free_item", "item": " "}, "/benefit/item"),
    ({"type": "free_item", "item": "a\x07"}, "/benefit/item"),
    ({"type": "buy_x_get_y", "buy": 0, "get": 1}, "/benefit/buy"),
    ({"type": "buy_x_get_y", "buy": 1}, "/benefit/get"),
    ({"type": "points", "points": True}, "/benefit/points"),
]  # fmt: skip


@pytest.mark.parametrize(("benefit", "pointer"), BENEFITS)
def test_a_fault_of_a_benefit_points_into_it(benefit: dict[str, Any], pointer: str):
    with pytest.raises(InvalidInput) as refused:
        read(EXAMPLE | {"benefit": benefit})
    assert refused.value.pointer == pointer


GEOMETRIES: list[tuple[dict[str, Any], str, type[InvalidInput]]] = [
    ({"type": "polygon"}, "/fence/geometry", PromotionInvalid),
    ({"type": "polygon", "geometry": None}, "/fence/geometry", PromotionInvalid),
    ({"type": "polygon", "geometry": {}}, "/fence/geometry/type", PolygonInvalid),
    (polygon(None), "/fence/geometry/coordinates/0", PolygonInvalid),
    (polygon([[1, "2"]]), "/fence/geometry/coordinates/0/0", PolygonInvalid),
    (polygon(BOW_TIE), "/fence/geometry", PolygonInvalid),
    (polygon(SQUARE[:-1]), "/fence/geometry", PolygonInvalid),
    (polygon(SQUARE, crs={"type": "name"}), "/fence/geometry/crs", PromotionInvalid),
    (polygon([[0, 0], [20, 0], [20, 20], [0, 20], [0, 0]]), "/fence/geometry", FenceTooLarge),
    (polygon([[1, 2]] * 10_001), "/fence/geometry", FenceTooLarge),
    ({"type": "polygon", "geometry": {"type": "Point", "coordinates": [1, 2]}}, "/fence/geometry/type", PolygonInvalid),
    ({"type": "district", "district_id": ""}, "/fence/district_id", PromotionInvalid),
    ({"type": "district", "district_id": 7}, "/fence/district_id", PromotionInvalid),
    ({"type": "around_shops", "radius_m": 0}, "/fence/radius_m", FenceInvalid),
    ({"type": "around_shops", "radius_m": 9, "center": [1, 2]}, "/fence/center", PromotionInvalid),
]  # fmt: skip


@pytest.mark.parametrize(("fence", "pointer", "error"), GEOMETRIES)
def test_a_fault_of_a_fence_points_into_it(fence: dict[str, Any], pointer: str, error: type[InvalidInput]):
    with pytest.raises(error) as refused:
        read(EXAMPLE | {"fence": fence})
    assert refused.value.pointer == pointer


def test_a_polygon_that_is_refused_carries_the_repaired_one():
    with pytest.raises(PolygonInvalid) as refused:
        read(EXAMPLE | {"fence": polygon(BOW_TIE)})
    assert refused.value.repaired is not None
    repaired = {"type": "polygon", "geometry": shapely.geometry.mapping(refused.value.repaired)}
    assert read(EXAMPLE | {"fence": repaired}).fence == PolygonFence(refused.value.repaired)


def test_limits_of_a_period_are_read_and_written_as_they_stand():
    document = changed("/limits/per_period", {"period": "week", "max_claims": 100, "max_per_visitor": 1})
    promotion = read(document)
    assert promotion.limits == Limits(100, 30, 1, 50_000, "CNY", PeriodLimits("week", 100, None, 1))
    assert json.dumps(document_of(promotion)) == json.dumps(document)
    assert read(changed("/limits/per_period", None)).limits.per_period is None
    alone = read(changed("/limits", {"per_period": PERIOD})).limits
    assert alone == Limits(per_period=PeriodLimits("day", max_claims=10))


def test_an_amount_off_and_its_limits_are_of_one_currency():
    amount = {"type": "amount_off", "amount_minor": 5, "currency": "JPY"}
    with pytest.raises(PromotionInvalid, match="the benefit is in JPY, the limits in CNY") as refused:
        read(EXAMPLE | {"benefit": amount})
    assert refused.value.pointer == "/limits/currency"
    assert read(EXAMPLE | {"benefit": amount, "limits": {"max_claims": 1}}).limits.currency is None


def test_a_fence_around_shops_needs_shops():
    with pytest.raises(PromotionInvalid, match="needs shops") as refused:
        read(EXAMPLE | {"fence": {"type": "around_shops", "radius_m": 9}, "shop_ids": []})
    assert refused.value.pointer == "/shop_ids"


def test_errors_keep_their_class():
    for path, value, error in (
        ("/fence/center", [181, 0], CoordinateInvalid),
        ("/fence/radius_m", 0, FenceInvalid),
        ("/starts_at", "now", ScheduleInvalid),
        ("/time_zone", "Mars", TimeZoneUnknown),
        ("/limits/currency", "RMB", CurrencyUnknown),
    ):
        with pytest.raises(error):
            read(changed(path, value))


def test_what_is_finer_than_a_millisecond_is_cut_off():
    promotion = read(changed("/starts_at", "2026-11-30t16:00:00.1239999z"))
    assert promotion.schedule.starts_at == datetime(2026, 11, 30, 16, 0, 0, 123_000, UTC)
    assert document_of(promotion)["starts_at"] == "2026-12-01T00:00:00.123+08:00"


@pytest.mark.parametrize(
    ("zone", "at", "written"),
    [
        ("UTC", "2026-12-01T00:00:00+08:00", "2026-11-30T16:00:00Z"),
        ("America/St_Johns", "2026-07-01T00:00:00Z", "2026-06-30T21:30:00-02:30"),
        ("Asia/Shanghai", "1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z"),  # local time was 8:05:43 ahead
        ("Pacific/Kiritimati", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_times_are_written_by_the_clock_of_the_zone_where_rfc_3339_can(zone: str, at: str, written: str):
    assert document_of(read(EXAMPLE | {"time_zone": zone, "starts_at": at}))["starts_at"] == written


def test_ids_follow_from_names():
    assert merchant_id_of(" Café ") == merchant_id_of("Cafe\u0301")
    assert merchant_id_of("A") != merchant_id_of("a")
    assert promotion_id_of(MERCHANT_ID, "1") == promotion_id_of(MERCHANT_ID, "1")
    assert promotion_id_of(MERCHANT_ID, "1") != promotion_id_of(merchant_id_of("A"), "1")
    assert merchant_id_of("A") == "mrc_fbmp6dq6ahd2x3r8"
    assert promotion_id_of("mrc_fbmp6dq6ahd2x3r8", "1") == "prm_znawjmbq48mxaba9"
    with pytest.raises(InvalidInput):
        merchant_id_of("a\x00")


# -- any promotion comes back from its document

WHOLES = st.integers(1, 2**53)
MAYBE = st.none() | WHOLES
CURRENCY = st.shared(st.sampled_from(["CNY", "JPY", "BHD", "EUR"]), key="currency")
TEXTS = st.sampled_from(["两件八折", "20 % off", "קפה", "a", "x" * 512, '"\\/~'])
RADII = st.floats(1, 50_000)
BENEFIT = (
    st.builds(PercentOff, st.integers(1, 10_000), MAYBE)
    | st.builds(AmountOff, WHOLES, CURRENCY, MAYBE)
    | st.builds(FreeItem, TEXTS)
    | st.builds(BuyXGetY, WHOLES, WHOLES)
    | st.builds(Points, WHOLES)
)


@st.composite
def polygons(draw: st.DrawFn) -> PolygonFence:
    """A box, with or without a hole, alone or in parts, maybe across the antimeridian."""
    west, south = draw(st.floats(-180, 179.99)), draw(st.floats(-85, 84))
    width, height = draw(st.floats(1e-4, 0.5)), draw(st.floats(1e-4, 0.5))
    box = shapely.box(west, south, west + width, south + height)
    if draw(st.booleans()):
        hole = shapely.box(west + width / 4, south + height / 4, west + width / 2, south + height / 2)
        box = box.difference(hole)
    return PolygonFence(shapely.MultiPolygon([box]) if draw(st.booleans()) else box)


FENCE = (
    st.builds(CircleFence, st.builds(LngLat, st.floats(-180, 180), st.floats(-89, 89)), RADII)
    | polygons()
    | st.builds(DistrictFence, TEXTS)
    | st.builds(AroundShopsFence, RADII)
)


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    """Any limits, those of a period at most those in all."""
    counts = [draw(MAYBE) for _ in range(3)]
    in_period = [draw(st.none() | st.integers(1, most or 2**53)) for most in counts]
    per_period = None
    if any(in_period):
        per_period = PeriodLimits(draw(st.sampled_from(["day", "week", "month"])), *in_period)
    return Limits(*counts, draw(MAYBE), draw(CURRENCY), per_period)


SEGMENTS = st.frozensets(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True), max_size=3)
AUDIENCE = st.builds(Audience, SEGMENTS, st.sampled_from(["all", "new", "returning"]))
MILLISECONDS = st.integers(-62_000_000_000_000, 250_000_000_000_000)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    start, end = sorted(draw(st.sets(MILLISECONDS, min_size=2, max_size=2)))
    starts_at, ends_at = (EPOCH + timedelta(milliseconds=ms) for ms in (start, end))
    hours = draw(st.none() | st.sampled_from(["24/7", "Mo-Fr 09:00-18:00; PH off", "17:00-26:00"]))
    zone = draw(st.sampled_from(["UTC", "Asia/Shanghai", "America/St_Johns", "Pacific/Chatham"]))
    return Schedule(starts_at, ends_at, hours, zone)


PROMOTIONS = st.builds(
    Promotion,
    id=st.just(PROMOTION_ID),
    merchant_id=st.just(MERCHANT_ID),
    external_id=st.none() | st.sampled_from(["spring-1", "春", "a b"]),
    title=TEXTS,
    title_i18n=st.dictionaries(st.sampled_from(["en", "zh-Hant", "x-house", "ja"]), TEXTS),
    benefit=BENEFIT,
    fence=FENCE,
    shop_ids=st.lists(st.from_regex(r"shp_[a-z0-9]{16}", fullmatch=True), min_size=1, max_size=3, unique=True).map(tuple),
    schedule=schedules(),
    listed=st.booleans(),
    max_accuracy_m=st.floats(1, 10_000),
    status=st.sampled_from(Status),
    limits=limits(),
    audience=AUDIENCE,
)  # fmt: skip


@given(PROMOTIONS)
def test_every_promotion_comes_back_from_its_document_in_json(promotion: Promotion):
    document = json.loads(json.dumps(document_of(promotion)))
    again = read(document)
    assert again == promotion
    assert json.loads(json.dumps(document_of(again))) == document
