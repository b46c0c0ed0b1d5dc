"""The nearest 20 shops of a category, one by one: ours beside PostGIS, Redis and scipy."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import redis

from geo_offers.domain.categories import LEAF_INDEX
from geo_offers.domain.place import LngLat
from geo_offers.index.nearest import NearestShops, ShopFilter
from scripts.benches._city import City
from scripts.benches._match_peers import HERE, ask_one_by_one
from scripts.benches._match_town import Degrees
from scripts.benches._postgis import on_postgis
from scripts.benches.nearest import CATEGORY, RADIUS_M, K, KdTreeOfCategory
from scripts.benches.report import Case, Report, singles

_TARGET_US = 50.0
_POSTGIS = {
    "geography <->": f"SELECT id FROM shop WHERE leaf = $3 AND ST_DWithin(geog, {HERE}::geography, {RADIUS_M}) "
    f"ORDER BY geog <-> {HERE}::geography LIMIT {K}",
    "geometry <->, three times as many, sorted": f"SELECT id FROM (SELECT id, geog FROM shop WHERE leaf = $3 "
    f"ORDER BY geom <-> {HERE} LIMIT {3 * K}) near WHERE ST_DWithin(geog, {HERE}::geography, {RADIUS_M}) "
    f"ORDER BY ST_Distance(geog, {HERE}::geography) LIMIT {K}",
}
Answers = Sequence[Sequence[int]]


def measure_nearest(
    report: Report, town: City, index: NearestShops, asked: tuple[Degrees, Degrees], url: str | None
) -> None:
    """One by one; each peer's answer is compared with ours, in its order."""
    lngs, lats = asked
    leaf = LEAF_INDEX[CATEGORY]
    where = ShopFilter(leaf=leaf)
    places = [LngLat(lng, lat) for lng, lat in zip(lngs.tolist(), lats.tolist(), strict=True)]

    def ask(i: int) -> list[int]:
        return index.nearest(places[i], K, radius_m=RADIUS_M, where=where)[0].tolist()

    ask(0)
    expected = [ask(i) for i in range(len(places))]
    ours_us, p99 = singles(lambda i: index.nearest(places[i], K, radius_m=RADIUS_M, where=where), len(places))
    members = int((town.leaves == leaf).sum())
    name = f"nearest {K} of {members:,} {CATEGORY}: ours"
    report.add(Case(name, ours_us, p99, target="<= 50 µs", met=ours_us <= _TARGET_US))

    def add(peer: str, median: float, peer_p99: float, answers: Answers) -> None:
        same = sum(list(a) == b for a, b in zip(answers, expected, strict=False))
        value, ratio = f"same answer in {same:,} of {len(answers):,}", f"we are {median / ours_us:.1f} x"
        report.add(Case(f"nearest {K}: {peer}", median, peer_p99, value=value, ratio=ratio))

    if url is not None:
        questions = [(lng, lat, leaf) for lng, lat in zip(lngs.tolist(), lats.tolist(), strict=True)]
        for way, query in _POSTGIS.items():
            found = on_postgis(
                url, lambda connection, query=query: ask_one_by_one(connection, query, questions)
            )
            add(f"PostGIS {way}", *found)
    _measure_redis(report, town, leaf, places, add)
    tree = KdTreeOfCategory(town, leaf)
    add(
        "scipy cKDTree of this category",
        *singles(lambda i: tree.ask(lngs[i : i + 1], lats[i : i + 1]), len(places)),
        [tree.ask(lngs[i : i + 1], lats[i : i + 1])[1].tolist() for i in range(len(places))],
    )


def _measure_redis(
    report: Report,
    town: City,
    leaf: int,
    places: Sequence[LngLat],
    add: Callable[[str, float, float, Answers], None],
) -> None:
    with _private_redis(report) as client:
        if client is None:
            return
        rows = np.flatnonzero(town.leaves == leaf)
        for some in np.array_split(rows, max(1, len(rows) // 1_000)):
            flat = [
                one
                for slot in some.tolist()
                for one in (float(town.lngs[slot]), float(town.lats[slot]), str(slot))
            ]
            client.geoadd("shops", flat)

        def ask(i: int) -> list[bytes]:
            found = client.geosearch(
                "shops", longitude=places[i].lng, latitude=places[i].lat, radius=RADIUS_M, unit="m",
                sort="ASC", count=K, withdist=True,
            )  # fmt: skip
            return cast(list[bytes], found)

        answers = [[int(row[0]) for row in ask(i)] for i in range(len(places))]  # type: ignore[index]
        add("Redis GEOSEARCH, a key for each category", *singles(ask, len(places)), answers)


@contextmanager
def _private_redis(report: Report) -> Iterator[redis.Redis | None]:
    """A server of our own on a socket in a temporary folder; None, and a word in the report, without one."""
    program = shutil.which("redis-server")
    if program is None:
        report.note("Redis is not measured: there is no redis-server on this machine")
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="geo-offers-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        command = [
            program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", folder
        ]  # fmt: skip
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            client = redis.Redis(unix_socket_path=str(socket))
            _until_up(socket)
            version = cast(dict[str, str], client.info("server"))["redis_version"]
            report.note(f"Redis: {version}, asked by redis-py {redis.__version__} over a unix socket")
            yield client
            client.close()
        finally:
            server.terminate()
            server.wait(10)


def _until_up(socket: Path) -> None:
    for _ in range(200):
        if socket.exists():
            return
        time.sleep(0.05)
    raise TimeoutError("the private Redis did not come up within 10 s")
