"""What /metrics says: the catalog that is served, every request under the pattern of its route, nothing of anybody."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.metrics import BOUNDS_S, RouteLabels, Traffic
from tests.api.conftest import Serving
from tests.builders import a_district, a_promotion, a_shop, some_promotions, some_shops

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
_PLACE = "lng=24.9414&lat=60.1699"


def samples_of(answer: httpx.Response) -> Samples:
    """Every sample by its name and labels."""
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"geo_offers_{name}", frozenset(labels.items())))


def requests(samples: Samples) -> dict[tuple[str, str, str], float]:
    """Finished requests by route, method and status."""
    found = {}
    for (name, labels), count in samples.items():
        if name == "geo_offers_http_requests_total":
            facts = dict(labels)
            found[facts["route"], facts["method"], facts["status"]] = count
    return found


async def test_the_catalog_is_told_as_it_is_at_the_scrape(serving: Serving) -> None:
    async with serving(some_shops(3), [a_district()], some_promotions(5)) as client:
        services = client.app.state.services  # type: ignore[attr-defined]
        before = samples_of(await client.get("/metrics"))
        await services.store.put_promotion(a_promotion("one more"))
        await services.follower.advance()
        services.follower.behind = "the disk is away"
        after = samples_of(await client.get("/metrics"))
        revision = (await client.get("/readyz")).json()["catalog_revision"]
    told = ("shops", "districts", "promotions", "follower_behind")
    assert [value(before, name) for name in told] == [3, 1, 5, 0]
    assert [value(after, name) for name in told] == [3, 1, 6, 1]
    assert (value(before, "catalog_revision"), value(after, "catalog_revision")) == (revision - 1, revision)
    kinds = ("shop", "promotion")
    assert [value(after, "quarantined_rows", kind=kind) for kind in kinds] == [0, 0]


async def test_every_request_is_counted_under_its_route_the_fast_lane_too(serving: Serving) -> None:
    asked = [
        ("GET", f"/v1/offers?{_PLACE}"),
        ("GET", f"/v1/offers?{_PLACE}&visitor_id=anna"),
        ("GET", f"/v1/shops?{_PLACE}"),
        ("GET", "/v1/shops?lng=east"),
        ("HEAD", f"/v1/shops?{_PLACE}"),
        ("GET", f"/v1/shops/{a_shop().id}"),
        ("GET", "/v1/shops/nobody"),
        ("GET", f"/v1/districts/{a_district().id}/shops"),
        ("POST", "/v1/context"),
        ("GET", "/healthz"),
        ("GET", "/metrics"),
        ("GET", "/wp-login.php"),
        ("BREW", "/v1/shops/coffee"),
    ]
    async with serving([a_shop()], [a_district()]) as client:
        for method, url in asked:
            await client.request(method, url)
        answer = await client.get("/metrics")
    samples = samples_of(answer)
    assert requests(samples) == {
        ("/v1/offers", "GET", "200"): 2,
        ("/v1/shops", "GET", "200"): 1,
        ("/v1/shops", "GET", "422"): 1,
        ("/v1/shops", "HEAD", "200"): 1,
        ("/v1/shops/{shop_id}", "GET", "200"): 1,
        ("/v1/shops/{shop_id}", "GET", "404"): 1,
        ("/v1/districts/{district_id}/shops", "GET", "200"): 1,
        ("/v1/context", "POST", "405"): 1,
        ("/healthz", "GET", "200"): 1,
        ("/metrics", "GET", "200"): 1,
        ("other", "GET", "404"): 1,
        ("/v1/shops/{shop_id}", "other", "405"): 1,
    }
    for fact in (a_shop().id, a_district().id, "24.94", "anna", "wp-login", "BREW", "coffee"):
        assert fact not in answer.text


async def test_a_request_that_breaks_is_counted_as_a_500(serving: Serving) -> None:
    async with serving() as client:
        services = client.app.state.services  # type: ignore[attr-defined]
        snapshot, services.catalog.current = services.catalog.current, None
        assert (await client.get("/readyz")).status_code == 500
        services.catalog.current = snapshot
        samples = samples_of(await client.get("/metrics"))
    assert requests(samples) == {("/readyz", "GET", "500"): 1}


def test_the_time_of_a_request_falls_into_every_bucket_that_reaches_it() -> None:
    traffic = Traffic(RouteLabels([]))
    for took_s in (0.000_05, 0.001, 0.001_1, 7.0):
        traffic.note("GET", "/", 200, took_s)
    _, seconds = traffic.collect()
    buckets = {
        sample.labels["le"]: sample.value for sample in seconds.samples if sample.name.endswith("_bucket")
    }
    facts = {sample.name.rpartition("_")[2]: sample.value for sample in seconds.samples}
    assert len(buckets) == len(BOUNDS_S) + 1
    assert [buckets[le] for le in ("0.0001", "0.0005", "0.001", "0.0025", "2.5", "+Inf")] == [
        1,
        1,
        2,
        3,
        3,
        4,
    ]
    assert facts["count"] == 4
    assert facts["sum"] == pytest.approx(7.00215)


async def test_two_apps_do_not_mix(serving: Serving) -> None:
    async with serving() as first:
        await first.get("/healthz")
        async with serving() as second:
            assert requests(samples_of(await second.get("/metrics"))) == {}
        assert requests(samples_of(await first.get("/metrics"))) == {("/healthz", "GET", "200"): 1}


async def test_before_the_catalog_is_there_requests_are_told_and_nothing_else(serving: Serving) -> None:
    async with serving([a_shop()]) as client:
        app = client.app  # type: ignore[attr-defined]
        services = app.state.services
        del app.state.services
        samples = samples_of(await client.get("/metrics"))
        app.state.services = services
    assert value(samples, "shops") is None
    assert requests(samples) == {}
