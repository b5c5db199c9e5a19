"""Counters and durations for Prometheus, summed over all web processes; the only file that knows its client library.

With a directory, each process counts in files of its own there (the library's multiprocess mode), which any one of them
adds up for `/metrics`. Without, only this process is counted.
"""

from __future__ import annotations

import os
import re
import shutil
from functools import lru_cache
from pathlib import Path

DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds; a decision is to be in the third, a face in the seventh or eighth."""

# The answer is bytes already; reading two words out of it is cheaper than parsing it again.
_STATUS = re.compile(rb'"status":\s*"([a-z_]{1,32})",\s*"level":\s*"([a-z_]{1,32})"')


def fresh_directory(directory: Path) -> Path:
    """An empty directory to count in; for whoever starts the web processes, before they start."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


class Metrics:
    def __init__(self, directory: Path | None = None) -> None:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            # The library reads this variable when it is imported and when it counts, and from nowhere else.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
        import prometheus_client as prometheus

        self._directory = directory
        self._registry = prometheus.CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> prometheus.Counter:
            return prometheus.Counter(f"authsvc_{name}", text, labels, registry=self._registry)

        decisions = counter("decisions", "Decisions answered", "status", "level")
        steps = counter("factor_steps", "Evidence that came in, by factor", "factor", "result")
        completions = counter("completions", "Challenges judged", "result")
        judged = counter("factor_judgements", "Factors judged, by outcome", "factor", "outcome")
        events = counter("events", "Events published, lock-outs among them", "tag")
        webhooks = counter("webhook_attempts", "Webhooks sent, by how that went", "result")
        problems = counter("problems", "Problems answered", "slug")
        durations = prometheus.Histogram(
            "authsvc_request_seconds",
            "From a request's arrival at the application to its answer",
            ("method", "route"),
            buckets=DURATIONS,
            registry=self._registry,
        )
        # `labels()` takes a lock and builds a tuple of strings on every call; its children live for ever anyway.
        self._decisions = lru_cache(maxsize=256)(decisions.labels)
        self._steps = lru_cache(maxsize=64)(steps.labels)
        self._completions = lru_cache(maxsize=8)(completions.labels)
        self._judged = lru_cache(maxsize=64)(judged.labels)
        self._events = lru_cache(maxsize=64)(events.labels)
        self._webhooks = lru_cache(maxsize=16)(webhooks.labels)
        self._problems = lru_cache(maxsize=64)(problems.labels)
        self._durations = lru_cache(maxsize=256)(durations.labels)

    def decided(self, answer: bytes) -> None:
        """One decision answered, as its JSON stands."""
        found = _STATUS.search(answer)
        if found is not None:
            self._decisions(found.group(1).decode(), found.group(2).decode()).inc()

    def step(self, factor: str, result: str) -> None:
        """Evidence came in and was `received` or `unusable`."""
        self._steps(factor, result).inc()

    def completed(self, result: str) -> None:
        """A challenge was judged as a whole: `authenticated` or `failed`."""
        self._completions(result).inc()

    def judged(self, factor: str, outcome: str) -> None:
        """One factor was judged; for the flow, which alone knows."""
        self._judged(factor, outcome).inc()

    def happened(self, tag: str) -> None:
        """An event was published; `subject:locked` counts the lock-outs."""
        self._events(tag).inc()

    def webhook_sent(self, result: str) -> None:
        """One attempt at a delivery: `delivered`, a `status` that is not 2xx, or what kept it from an answer."""
        self._webhooks(result).inc()

    def refused(self, slug: str) -> None:
        self._problems(slug).inc()

    def served(self, method: str, route: str, seconds: float) -> None:
        self._durations(method, route).observe(seconds)

    def text(self) -> tuple[bytes, str]:
        """What `/metrics` shows, and its media type."""
        import prometheus_client as prometheus
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self._registry
        if self._directory is not None:
            registry = prometheus.CollectorRegistry()
            MultiProcessCollector(registry, str(self._directory))  # type: ignore[no-untyped-call]  # It has no types.
        return prometheus.generate_latest(registry), prometheus.CONTENT_TYPE_LATEST
