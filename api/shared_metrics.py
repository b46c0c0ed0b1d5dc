"""What /metrics says where several workers answer: each writes its numbers to a folder, and any of them adds all up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.samples import Sample

#: How gauges of several workers become one: the revision is that of the worker who is furthest behind. A gauge
#: that is not named is the greatest. All of them forget a worker that has died; counters do not.
_MODES: Mapping[str, str] = MappingProxyType(
    {"geo_offers_catalog_revision": "livemin", "geo_offers_workers": "livesum"}
)
_OTHERWISE = "livemax"


class SharedNumbers(Collector):
    """The numbers of all workers; for one event loop.

    own      what this worker says
    folder   of prometheus_client's multiprocess files; whoever starts the workers makes and removes it
    process  this worker's number, unlike that of any other, dead ones too

    Others' numbers are as old as their last `publish`. What a worker has counted is kept when it dies.
    """

    def __init__(self, own: CollectorRegistry, folder: Path, *, process: int) -> None:
        self._own = own
        self._folder = folder
        self._process = process
        self._files: dict[str, MmapedDict] = {}
        self._keys: dict[tuple[object, ...], str] = {}

    def publish(self) -> None:
        """Write this worker's numbers for the others. 6.6 ms with 60 of route, method and status, on a busy machine."""
        alive = GaugeMetricFamily("geo_offers_workers", "Workers that answer.", 1)
        for family in (alive, *self._own.collect()):
            file = self._file_of(family)
            for sample in _told_apart(family):
                file.write_value(self._key_of(family, sample), float(sample.value), 0.0)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterator[Metric]:
        self.publish()
        yield from MultiProcessCollector(None, str(self._folder)).collect()  # type: ignore[no-untyped-call]

    def _file_of(self, family: Metric) -> MmapedDict:
        kind = family.type
        if kind == "gauge":
            kind = f"gauge_{_MODES.get(family.name, _OTHERWISE)}"
        if kind not in self._files:
            name = self._folder / f"{kind}_{self._process}.db"
            self._files[kind] = MmapedDict(str(name))  # type: ignore[no-untyped-call]
        return self._files[kind]

    def _key_of(self, family: Metric, sample: Sample) -> str:
        named = (family.name, sample.name, *sample.labels.items())
        if named not in self._keys:
            self._keys[named] = mmap_key(
                family.name,
                sample.name,
                list(sample.labels),
                list(sample.labels.values()),
                family.documentation,
            )
        return self._keys[named]


def _told_apart(family: Metric) -> Iterable[Sample]:
    """The samples as the files have them: each bucket of a histogram by itself, and no count."""
    if family.type != "histogram":
        yield from family.samples
        return
    below = 0.0
    for sample in family.samples:
        if sample.name.endswith("_bucket"):
            yield sample._replace(value=sample.value - below)
            below = sample.value
        elif sample.name.endswith("_sum"):
            below = 0.0  # it ends the buckets of these labels
            yield sample


def shared_registry(numbers: SharedNumbers) -> CollectorRegistry:
    """All that the workers say together."""
    registry = CollectorRegistry()
    registry.register(numbers)
    return registry
