"""Measurements for Prometheus."""

from __future__ import annotations

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from timbre.service.live.live import Live
from timbre.store.database import Database
from timbre.store.queries import queries
from timbre.store.queue import Lane

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_REGISTRY: Final = CollectorRegistry()
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
_JOBS: Final = queries("jobs")
_SERVER: Final = queries("server")
_REQUESTS: Final = Counter(
    "timbre_requests", "Requests by route and status.", ("route", "method", "status"), registry=_REGISTRY
)
_SECONDS: Final = Histogram(
    "timbre_request_seconds",
    "Time until a request was answered.",
    ("route",),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30),
    registry=_REGISTRY,
)
_UNFINISHED: Final = Gauge("timbre_jobs_unfinished", "Jobs that have not ended.", ("status",), registry=_REGISTRY)
_WAITING: Final = Gauge("timbre_lane_waiting", "Entries that wait in a lane.", ("lane",), registry=_REGISTRY)
_OLDEST: Final = Gauge(
    "timbre_lane_oldest_seconds", "How long the first entry of a lane has waited.", ("lane",), registry=_REGISTRY
)
_WORKERS: Final = Gauge("timbre_lane_workers", "Workers that serve a lane.", ("lane",), registry=_REGISTRY)
_STREAMS: Final = Gauge("timbre_streams", "Live streams that this process hears.", registry=_REGISTRY)
_BEHIND: Final = Gauge(
    "timbre_streams_behind_seconds", "Sound that waits to be heard, of the stream with most of it.", registry=_REGISTRY
)
_ENDED: Final = Gauge("timbre_streams_ended", "Live streams that have ended, by how.", ("how",), registry=_REGISTRY)
_RESTARTS: Final = Gauge(
    "timbre_live_processes_died", "Processes that heard streams, and died or hung.", registry=_REGISTRY
)
ProcessCollector(registry=_REGISTRY)
PlatformCollector(registry=_REGISTRY)


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request."""
    method = method if method in _METHODS else "other"
    _REQUESTS.labels(route, method, str(status)).inc()
    _SECONDS.labels(route).observe(seconds)


async def exposition(database: Database, live: Live, silence: float) -> bytes:
    """All measurements as text; workers that were silent for longer do not count."""
    _STREAMS.set(len(live.connections))
    _BEHIND.set(max((connection.behind for connection in live.connections), default=0.0))
    _RESTARTS.set(live.hearers.restarts)
    for how in ("done", "error"):
        _ENDED.labels(how).set(live.ended.get(how, 0))
    unfinished = {row["status"]: row["total"] for row in await database.all(_JOBS["unfinished_counts"])}
    waiting = {row["lane"]: row for row in await database.all(_SERVER["waiting"])}
    workers = await database.all(_SERVER["workers"], {"seconds": silence})
    # From here on nothing waits, so that two who ask at once do not spoil each other's answer.
    for status in ("created", "running"):
        _UNFINISHED.labels(status).set(unfinished.get(status, 0))
    for lane in Lane:
        first = waiting.get(lane.value, {"total": 0, "seconds": 0.0})
        _WAITING.labels(lane.value).set(first["total"])
        _OLDEST.labels(lane.value).set(max(0.0, float(first["seconds"])))
        _WORKERS.labels(lane.value).set(sum(lane.value in worker["lanes"] for worker in workers))
    return generate_latest(_REGISTRY)
