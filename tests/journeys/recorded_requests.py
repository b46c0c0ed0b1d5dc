"""Requests in their order as data, from an empty town to redeemed coupons: reads, writes, imports and faults.

{name} in a path, a header or a body is what an earlier answer held (`keeps`), or one of the keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.api.merchants import a_document, a_polygon, a_shop_document

HERE = "lng=24.94&lat=60.17"
_AT = {"lng": 24.94, "lat": 60.17, "accuracy_m": 5, "fix_at": "{now}"}
_MERGE = "application/merge-patch+json"
_NDJSON, _CSV, _GEOJSON = "application/x-ndjson", "text/csv", "application/geo+json"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request.

    who     whose key: admin, app, other_app, till, other_till, planner; nobody's when empty
    body    JSON, or text as it is
    keeps   names for members of the answer (`/items/0/id`) or of its headers (`etag`)
    any_order  whether the items of the answer are in the order of ids that are made by chance
    """

    who: str
    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)
    any_order: bool = False


def _get(who: str, path: str, **more: Any) -> Recorded:
    return Recorded(who, "GET", path, **more)


def _post(who: str, path: str, body: Any = None, **more: Any) -> Recorded:
    return Recorded(who, "POST", path, body, **more)


def _once(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def _import(what: str, kind: str, text: str) -> Recorded:
    return Recorded("till", "POST", f"/v1/{what}/import", text, {"Content-Type": kind})


def _lines(*documents: Mapping[str, Any]) -> str:
    return "\n".join(json.dumps(one) for one in documents)


def _claim(who: str, promotion: str, visitor: str, key: str, *, keeps: str = "", **over: Any) -> Recorded:
    facts = {"promotion_id": promotion, "visitor_id": visitor} | _AT | over
    body = {name: value for name, value in facts.items() if value is not None}
    return _post(who, "/v1/coupons", body, headers=_once(key), keeps={keeps: "/code"} if keeps else {})


def _redeem(who: str, code: str, key: str, *, keeps: str = "", **over: Any) -> Recorded:
    body = {"code": code, "shop_id": "{shop}", "basket_minor": 4_500, "currency": "EUR"} | over
    return _post(who, "/v1/redemptions", body, headers=_once(key), keeps={keeps: "/id"} if keeps else {})


_PEOPLE = [
    _post("admin", "/v1/merchants", {"name": "Ekberg Oy"}, keeps={"merchant": "/id"}),
    _post("admin", "/v1/merchants", {"name": "Fazer Oy"}, keeps={"other_merchant": "/id"}),
    _post("admin", "/v1/merchants", {"name": ""}),
    _post("admin", "/v1/merchants", {"name": "x" * 2_000}),
    _post("admin", "/v1/merchants", {"name": "Two", "more": 1}),
    _post("admin", "/v1/merchants", "{"),
    _post("app", "/v1/merchants", {"name": "Nobody's"}),
    _post("", "/v1/merchants", {"name": "Nobody's"}),
    _post(
        "admin",
        "/v1/keys",
        {"role": "merchant", "merchant_id": "{merchant}"},
        keeps={"till": "/key", "till_id": "/id"},
    ),
    _post(
        "admin",
        "/v1/keys",
        {"role": "merchant", "merchant_id": "{other_merchant}"},
        keeps={"other_till": "/key"},
    ),
    _post(
        "admin",
        "/v1/keys",
        {"role": "app", "account": "other"},
        keeps={"other_app": "/key", "other_app_id": "/id"},
    ),
    _post("admin", "/v1/keys", {"role": "app", "account": "gone"}, keeps={"gone": "/key", "gone_id": "/id"}),
    _post("admin", "/v1/keys", {"role": "merchant", "merchant_id": "mrc_0000000000000000"}),
    _post("admin", "/v1/keys", {"role": "king"}),
    _post("till", "/v1/keys", {"role": "admin"}),
    _get("till", "/v1/keys"),
    Recorded("admin", "DELETE", "/v1/keys/{gone_id}"),
    Recorded("admin", "DELETE", "/v1/keys/key_0000000000000000"),
    Recorded("other_till", "DELETE", "/v1/keys/{till_id}"),
    _get("gone", f"/v1/offers?{HERE}"),
    _get("admin", "/v1/merchants", any_order=True),
    _get("admin", "/v1/merchants?limit=0"),
    _get("till", "/v1/merchants"),
    _get("till", "/v1/merchants/me", keeps={"me": "etag"}),
    _get("till", "/v1/merchants/me", headers={"If-None-Match": "{me}"}),
    Recorded(
        "till", "PATCH", "/v1/merchants/me", {"name": "Ekberg"}, {"If-Match": "{me}", "Content-Type": _MERGE}
    ),
    Recorded(
        "till", "PATCH", "/v1/merchants/me", {"name": "Late"}, {"If-Match": "{me}", "Content-Type": _MERGE}
    ),
    Recorded("till", "PATCH", "/v1/merchants/me", {"name": "None"}, {"Content-Type": _MERGE}),
    _get("app", "/v1/merchants/me"),
]

_SHOPS = [
    _post("till", "/v1/shops", a_shop_document(), keeps={"shop": "/id", "shop_tag": "etag"}),
    _post(
        "other_till",
        "/v1/shops",
        a_shop_document(name="Fazer", category="food.restaurant", lng=24.951),
        keeps={"other_shop": "/id"},
    ),
    _post(
        "till",
        "/v1/shops",
        a_shop_document(
            name="咖啡", names={"zh": "咖啡", "fi": "Kahvila"}, opening_hours="Mo-Su 00:00-24:00"
        ),
        keeps={"third_shop": "/id"},
    ),
    _post("till", "/v1/shops", a_shop_document(lng=190)),
    _post("till", "/v1/shops", a_shop_document(category="food.unknown")),
    _post("till", "/v1/shops", a_shop_document(opening_hours="whenever")),
    _post("till", "/v1/shops", a_shop_document(name="nul \u0000 l")),
    _post("till", "/v1/shops", a_shop_document(name="half \ud83d pair")),
    _post("till", "/v1/shops", {}),
    _post("planner", "/v1/shops", a_shop_document()),
    _get("till", "/v1/merchants/me/shops", any_order=True),
    _get("till", "/v1/merchants/me/shops/{shop}"),
    _get("till", "/v1/merchants/me/shops/{other_shop}"),
    Recorded("till", "PATCH", "/v1/shops/{shop}", {"address": "Bulevardi 9"}, {"If-Match": "{shop_tag}"}),
    Recorded("till", "PATCH", "/v1/shops/{shop}", {"address": "Late"}, {"If-Match": "{shop_tag}"}),
    Recorded("till", "PATCH", "/v1/shops/{shop}", {"address": "Any"}),
    Recorded("till", "PATCH", "/v1/shops/{other_shop}", {"address": "Theirs"}, {"If-Match": "*"}),
    _import(
        "shops",
        _CSV,
        "id,name,category,lng,lat\n1,Kiosk,food.cafe,24.941,60.171\n2,Kiosk 2,food.restaurant,24.942,60.171\n",
    ),
    _import(
        "shops",
        _CSV,
        "id,name,category,lng,lat\n1,Kiosk,food.cafe,24.941,60.171\n3,Kiosk 3,food.cafe,24.943,60.171\n",
    ),
    _import(
        "shops",
        _CSV,
        "id,name,category,lng,lat\n1,Kiosk 1,food.cafe,24.941,60.171\n3,Kiosk 3,food.cafe,24.943,60.171\n",
    ),
    _import("shops", _CSV, "id,name\n1,Kiosk\n"),
    _import("shops", "application/pdf", "%PDF"),
    _import("shops", _GEOJSON, "{}"),
    Recorded("till", "DELETE", "/v1/shops/{third_shop}", None, {"If-Match": "*"}),
    Recorded("till", "DELETE", "/v1/shops/{third_shop}", None, {"If-Match": "*"}),
    *(
        _get("app", path)
        for path in (
            f"/v1/shops?{HERE}",
            f"/v1/shops?{HERE}&radius_m=50",
            f"/v1/shops?{HERE}&limit=1",
            f"/v1/shops?{HERE}&category=food",
            f"/v1/shops?{HERE}&category=nothing",
            f"/v1/shops?{HERE}&open_now=true",
            "/v1/shops?lng=24.94",
            f"/v1/shops?{HERE}&more=1",
            f"/v1/shops?{HERE}&limit=999999",
            f"/v1/shops?{HERE}&cursor=xyz",
            "/v1/shops?lng=nan&lat=60",
            "/v1/shops/{shop}",
            "/v1/shops/{third_shop}",
            "/v1/shops/shp_0000000000000000",
            "/v1/shops/%00",
            f"/v1/context?{HERE}",
            "/v1/context?lng=24.94",
            "/v1/districts",
            f"/v1/districts?{HERE}",
            "/v1/districts/dst_0000000000000000",
            "/v1/districts/dst_0000000000000000/shops",
            "/v1/districts/dst_0000000000000000/offers",
            "/v1/nothing",
            "/healthz",
            "/v1/districts?limit=1",
        )
    ),
    Recorded("app", "PUT", "/v1/shops"),
    _get("", f"/v1/shops?{HERE}"),
]

_LIMITED = {
    "limits": {
        "max_claims": 3,
        "max_redemptions": 2,
        "max_per_visitor": 1,
        "budget_minor": 2_000,
        "currency": "EUR",
    }
}
_DOCUMENT = a_document(external_id="one", status="active", shop_ids=["{shop}"], **_LIMITED)

_PROMOTIONS = [
    _post("till", "/v1/promotions", _DOCUMENT, keeps={"promotion": "/id", "tag": "etag"}),
    _post("till", "/v1/promotions", _DOCUMENT),
    _post(
        "till",
        "/v1/promotions",
        a_document(external_id="two"),
        headers=_once("two"),
        keeps={"draft": "/id", "draft_tag": "etag"},
    ),
    _post("till", "/v1/promotions", a_document(external_id="two"), headers=_once("two")),
    _post("till", "/v1/promotions", a_document(external_id="three"), headers=_once("two")),
    _post(
        "other_till",
        "/v1/promotions",
        a_document(
            title="Buns",
            benefit={"type": "percent_off", "basis_points": 3_000},
            fence=a_polygon((24.93, 60.16), (24.95, 60.16), (24.94, 60.18)),
            status="active",
            title_i18n={"zh": "面包"},
        ),
        keeps={"buns": "/id"},
    ),
    _post(
        "till",
        "/v1/promotions",
        a_document(
            benefit={"type": "amount_off", "amount_minor": 500, "currency": "EUR", "min_spend_minor": 1_000},
            status="active",
            weekly_hours="Mo-Su 00:00-24:00",
            title="Five off",
        ),
        keeps={"five": "/id"},
    ),
    _post("till", "/v1/promotions", a_document(benefit={"type": "percent_off", "basis_points": 0})),
    _post(
        "till",
        "/v1/promotions",
        a_document(fence={"type": "circle", "center": [24.94, 60.17], "radius_m": -1}),
    ),
    _post(
        "till",
        "/v1/promotions",
        a_document(fence=a_polygon((24.93, 60.16), (24.95, 60.18), (24.95, 60.16), (24.93, 60.18))),
    ),
    _post("till", "/v1/promotions", a_document(ends_at="2010-01-01T00:00:00Z")),
    _post("till", "/v1/promotions", a_document(shop_ids=["{other_shop}"])),
    _post("till", "/v1/promotions", a_document(title=None)),
    _post("till", "/v1/promotions", a_document(title="half \ud83d pair")),
    _post("app", "/v1/promotions", a_document()),
    _get("till", "/v1/promotions/{promotion}"),
    _get("till", "/v1/promotions/{promotion}", headers={"If-None-Match": "{tag}"}),
    _get("till", "/v1/promotions/{buns}"),
    _get("till", "/v1/promotions?status=draft"),
    _get("till", "/v1/promotions?status=none"),
    _get("till", "/v1/promotions", any_order=True),
    Recorded(
        "till",
        "PATCH",
        "/v1/promotions/{draft}",
        {"title": "Tea"},
        {"If-Match": "{draft_tag}"},
        {"tea_tag": "etag"},
    ),
    Recorded("till", "PATCH", "/v1/promotions/{draft}", {"title": "Late"}, {"If-Match": "{draft_tag}"}),
    Recorded("till", "PATCH", "/v1/promotions/{draft}", {"title": "None"}),
    Recorded("till", "PATCH", "/v1/promotions/{draft}", {"external_id": "one"}, {"If-Match": "*"}),
    Recorded("till", "PATCH", "/v1/promotions/{buns}", {"title": "Mine"}, {"If-Match": "*"}),
    _post("till", "/v1/promotions/{draft}/publish", headers={"If-Match": "{tea_tag}"}),
    _post("till", "/v1/promotions/{draft}/publish", headers={"If-Match": "{tea_tag}"}),
    _post("till", "/v1/promotions/{draft}/pause", headers={"If-Match": "*"}),
    _post("till", "/v1/promotions/{draft}/resume", headers={"If-Match": "*"}),
    _post("till", "/v1/promotions/{draft}/end", headers={"If-Match": "*"}),
    _post("till", "/v1/promotions/{draft}/resume", headers={"If-Match": "*"}),
    _get("till", "/v1/promotions/{draft}/versions"),
    _get("till", "/v1/promotions/{buns}/versions"),
    _import(
        "promotions", _NDJSON, _lines(a_document(external_id="10", title="Ten"), a_document(external_id="11"))
    ),
    _import(
        "promotions",
        _NDJSON,
        _lines(
            a_document(external_id="10", title="Ten!"),
            a_document(external_id="11"),
            a_document(external_id="12"),
        ),
    ),
    _import(
        "promotions",
        _NDJSON,
        _lines(a_document(external_id="13"), a_document(external_id="14", title=""), {"external_id": "15"}),
    ),
    _import("promotions", _NDJSON, "{"),
    _import("promotions", "text/plain", "x"),
    *(
        _get("app", path)
        for path in (
            f"/v1/offers?{HERE}&limit=1",
            f"/v1/offers?{HERE}&radius_m=1",
            f"/v1/offers?{HERE}&lang=zh",
            f"/v1/offers?{HERE}&visitor_id=anna",
            f"/v1/offers?{HERE}&segments=vip",
            "/v1/offers?lng=0&lat=0",
            "/v1/offers?lng=200&lat=0",
            f"/v1/offers?{HERE}&cursor=nonsense",
            f"/v1/offers?{HERE}&limit=20&limit=3",
            "/v1/offers",
        )
    ),
    _get("app", f"/v1/offers?{HERE}", any_order=True),
    # After a read that waits for the newest revision: a preview takes the one that is there.
    _post(
        "till",
        "/v1/promotions/preview",
        a_document(fence={"type": "circle", "center": [24.94, 60.17], "radius_m": 50}),
    ),
    _post(
        "till",
        "/v1/promotions/preview",
        a_document(
            shop_ids=["shp_0000000000000000"],
            weekly_hours="never",
            fence={"type": "circle", "center": [24.94, 60.17], "radius_m": 50},
        ),
    ),
    _get("till", f"/v1/offers?{HERE}&limit=1"),
    _post(
        "app",
        "/v1/offers/match",
        {"positions": [{"lng": 24.94, "lat": 60.17}, {"lng": 0, "lat": 0}], "limit": 1},
    ),
    _post("app", "/v1/offers/match", {"positions": []}),
    _post("app", "/v1/offers/match", {"positions": [{"lng": 24.94}]}),
]

_COUPONS = [
    _claim("app", "{promotion}", "anna", "anna", keeps="anna"),
    _claim("app", "{promotion}", "anna", "anna"),
    _claim("app", "{promotion}", "berta", "anna"),
    _claim("app", "{promotion}", "anna", "anna again"),
    _claim("app", "{promotion}", "berta", "berta", keeps="berta"),
    _claim("other_app", "{promotion}", "clara", "clara", keeps="clara"),
    _claim("app", "{promotion}", "dora", "dora"),
    _claim("app", "{draft}", "dora", "ended"),
    _claim("app", "prm_0000000000000000", "dora", "nothing"),
    _claim("app", "{five}", "dora", "far", lng=24.99),
    _claim("app", "{five}", "dora", "vague", accuracy_m=5_000),
    _claim("app", "{five}", "dora", "stale", fix_at="2020-01-01T00:00:00Z"),
    _claim("app", "{five}", "dora", "nowhere", lng=None),
    _claim("app", "{five}", "dora", "five", keeps="five_code"),
    _claim("app", "{five}", "nul \u0000 l", "nul"),
    _claim("till", "{five}", "dora", "till"),
    _post("app", "/v1/coupons", {"promotion_id": "{five}", "visitor_id": "dora"} | _AT),
    _get("app", "/v1/coupons?visitor_id=anna"),
    _get("app", "/v1/coupons?visitor_id=dora&limit=1"),
    _get("app", "/v1/coupons?visitor_id=nobody"),
    _get("app", "/v1/coupons/{anna}"),
    _get("app", "/v1/coupons/{clara}"),
    _get("till", "/v1/coupons/{anna}"),
    _get("other_till", "/v1/coupons/{anna}"),
    _get("app", "/v1/coupons/{anna}/qr.svg"),
    _get("app", "/v1/coupons/{anna}/qr.png"),
    _get("app", "/v1/coupons/ABC"),
    _redeem("till", "{anna}", "anna", keeps="redemption"),
    _redeem("till", "{anna}", "anna"),
    _redeem("till", "{anna}", "anna again"),
    _redeem("till", "{berta}", "anna"),
    _redeem("other_till", "{berta}", "theirs"),
    _redeem("till", "{berta}", "wrong shop", shop_id="{other_shop}"),
    _redeem("till", "{berta}", "budget", basket_minor=90_000),
    _redeem("till", "{berta}", "currency", currency="XXX"),
    _redeem("till", "{berta}", "negative", basket_minor=-1),
    _redeem("till", "{berta}", "berta", basket_minor=100),
    _redeem("till", "{clara}", "clara", basket_minor=100),
    _redeem("till", "ZZZZZZZZ", "typo"),
    _redeem("app", "{clara}", "app"),
    _redeem("till", "{five_code}", "five"),
    _get("till", "/v1/redemptions/{redemption}"),
    _get("other_till", "/v1/redemptions/{redemption}"),
    _post("other_till", "/v1/redemptions/{redemption}/rollback", {}, headers=_once("theirs back")),
    _post("till", "/v1/redemptions/{redemption}/rollback", {}, headers=_once("back")),
    _post("till", "/v1/redemptions/{redemption}/rollback", {}, headers=_once("back")),
    _post("till", "/v1/redemptions/{redemption}/rollback", {}, headers=_once("back again")),
    _redeem("till", "{anna}", "anna anew", basket_minor=100),
    _get("till", "/v1/promotions/{promotion}/stats"),
    _get("till", "/v1/promotions/{buns}/stats"),
    _post("till", "/v1/promotions/{five}/codes", {"codes": ["SPRING-1", "SPRING-2"]}, headers=_once("codes")),
    _post(
        "till",
        "/v1/promotions/{five}/codes",
        {"codes": ["SPRING-1", "SPRING-2"]},
        headers=_once("codes again"),
    ),
    _post("till", "/v1/promotions/{five}/codes", {"codes": []}, headers=_once("no codes")),
    _claim("app", "{five}", "emma", "pooled"),
    _claim("app", "{five}", "fanny", "pooled 2"),
    _claim("app", "{five}", "greta", "pooled 3"),
    _get("app", f"/v1/offers?{HERE}&visitor_id=anna&limit=50", any_order=True),
]

RECORDED = [*_PEOPLE, *_SHOPS, *_PROMOTIONS, *_COUPONS]
