"""Counters and durations for Prometheus, summed over all web processes; the only file that knows its client library.

With a directory, each process counts in files of its own there (the library's multiprocess mode), which any one of them
adds up for `/metrics`. Without, or where that directory cannot be used, only this process is counted.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from authsvc.biometric.drift import Drift, DriftVerdict, ScoreHistogram, report, step_of
from authsvc.web.gauge import Gauge, lines_of
from authsvc.web.metrics_files import CountingPlace

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram

Child = TypeVar("Child")

_SCORES = "comparison_scores"

DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds; a decision is to be in the third, a face in the seventh or eighth."""

SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0)
"""The same for what computes."""

# The answer is bytes already; reading two words out of it is cheaper than parsing it again.
_STATUS = re.compile(rb'"status":\s*"([a-z_]{1,32})",\s*"level":\s*"([a-z_]{1,32})"')


class Metrics:
    def __init__(
        self,
        directory: Path | None = None,
        expected: Mapping[str, ScoreHistogram] | None = None,
        spaces: Mapping[str, Path] | None = None,
    ) -> None:
        """`expected` holds the scores of each model's calibration, by digest: what drift is measured against.

        `spaces` are the places by name whose free room is shown.
        """
        self._expected = {} if expected is None else dict(expected)
        self._spaces = {} if spaces is None else dict(spaces)
        self._gauges: Callable[[], Iterable[Gauge]] = tuple
        self._place = None if directory is None else CountingPlace.claim(directory)
        if self._place is not None:
            _count_in(self._place)
        import prometheus_client as prometheus

        self._registry = prometheus.CollectorRegistry()

        counter = self._counter
        self._decisions = counter("decisions", "Decisions answered", "status", "level", most=256)
        self._steps = counter("factor_steps", "Evidence that came in, by factor", "factor", "result", most=64)
        self._completions = counter("completions", "Challenges judged", "result", most=8)
        self._judged = counter(
            "factor_judgements", "Factors judged, by outcome", "factor", "outcome", most=64
        )
        self._events = counter("events", "Events published, lock-outs among them", "tag", most=64)
        self._webhooks = counter("webhook_attempts", "Webhooks sent, by how that went", "result", most=16)
        self._problems = counter("problems", "Problems answered", "slug", most=64)
        self._scores = counter(
            _SCORES, "Comparison scores of living people, in steps of 0.002", "model", "step", most=4096
        )
        self._failures = counter(
            "store_errors", "Times that a store did not answer, or not in time", "store", most=8
        )
        self._chores = counter(
            "chores", "Things done every so often, by how that went", "chore", "result", most=64
        )
        self._jumps = counter(
            "clock_jumps", "Times that a process saw the machine's clock jump", "direction", most=2
        )
        self._units = counter("committed_units", "Units of work committed", most=1)
        self._requests = counter("requests", "Requests answered", "method", "route", "status", most=1024)
        histogram = self._histogram
        self._durations = histogram(
            "request_seconds", "From a request's arrival at the application to its answer", "method", "route"
        )
        self._queued = histogram("queue_seconds", "How long a whole request waited for a thread")
        self._commits = histogram(
            "commit_seconds", "From a batch's beginning to its COMMIT in the durable store"
        )
        self._asked = histogram(
            "biometric_seconds",
            "What the biometric worker was asked, until its answer",
            "op",
            "result",
            buckets=SLOW,
        )

    def _counter(self, name: str, text: str, *labels: str, most: int) -> Callable[..., Counter]:
        import prometheus_client as prometheus

        counter = prometheus.Counter(f"authsvc_{name}", text, labels, registry=self._registry)
        return _remembered(counter.labels, most) if labels else lambda: counter

    def _histogram(
        self, name: str, text: str, *labels: str, buckets: tuple[float, ...] = DURATIONS
    ) -> Callable[..., Histogram]:
        import prometheus_client as prometheus

        histogram = prometheus.Histogram(
            f"authsvc_{name}", text, labels, buckets=buckets, registry=self._registry
        )
        return _remembered(histogram.labels, 256) if labels else lambda: histogram

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

    def scored(self, model: str, score: float) -> None:
        """A living person was compared: the score is counted in its step, by the digest of its model."""
        self._scores(model, str(step_of(score))).inc()

    def drift(self) -> Mapping[str, Drift]:
        """How far each model's scores have moved from its calibration, over all processes since the service started."""
        return report(self._expected, self._seen())

    def refused(self, slug: str) -> None:
        self._problems(slug).inc()

    def served(self, method: str, route: str, status: int, seconds: float, queued: float | None) -> None:
        """A request was answered; `queued` is what it waited for a thread, where that is known."""
        self._durations(method, route).observe(seconds)
        self._requests(method, route, str(status)).inc()
        if queued is not None:
            self._queued().observe(queued)

    def committed(self, seconds: float, units: int) -> None:
        """A batch of units of work was committed."""
        self._commits().observe(seconds)
        self._units().inc(units)

    def store_failed(self, store: str) -> None:
        """`database` or `ephemeral` did not answer."""
        self._failures(store).inc()

    def chore_done(self, name: str, result: str) -> None:
        """Something that is done every so often ended `well` or `failed`, or is `behind`."""
        self._chores(name, result).inc()

    def clock_jumped(self, direction: str) -> None:
        self._jumps(direction).inc()

    def biometrics_asked(self, op: str, result: str, seconds: float) -> None:
        """The biometric worker was asked; `answered`, `busy`, `late` or `gone`."""
        self._asked(op, result).observe(seconds)

    def watch(self, gauges: Callable[[], Iterable[Gauge]]) -> None:
        """What is to be shown besides, as it is at each scrape."""
        self._gauges = gauges

    def text(self) -> tuple[bytes, str]:
        """What `/metrics` shows, and its media type."""
        import prometheus_client as prometheus

        text = prometheus.generate_latest(self._all_processes())
        gauges = (*_drift_lines(self.drift()), *_space_lines(self._spaces), *lines_of(self._gauges()))
        return text + "".join(gauges).encode(), prometheus.CONTENT_TYPE_LATEST

    def _all_processes(self) -> CollectorRegistry:
        import prometheus_client as prometheus
        from prometheus_client.multiprocess import MultiProcessCollector

        if self._place is None:
            return self._registry
        registry = prometheus.CollectorRegistry()
        MultiProcessCollector(registry, str(self._place.directory))  # type: ignore[no-untyped-call]  # It has no types.
        return registry

    def _seen(self) -> Mapping[str, ScoreHistogram]:
        counts: dict[str, dict[str, int]] = {}
        for family in self._all_processes().collect():
            for sample in family.samples:
                if sample.name == f"authsvc_{_SCORES}_total":
                    counts.setdefault(sample.labels["model"], {})[sample.labels["step"]] = int(sample.value)
        return {model: ScoreHistogram.from_json(steps) for model, steps in counts.items()}


def _remembered(labels: Callable[..., Child], most: int) -> Callable[..., Child]:
    """`labels()` takes a lock and builds a tuple of strings on every call; its children live for ever anyway."""
    return lru_cache(maxsize=most)(labels)


def _count_in(place: CountingPlace) -> None:
    # The library reads this variable when it is imported and when it counts, and from nowhere else.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(place.directory)
    from prometheus_client import values

    # By place and not by process id, so that those which die one after the other leave no heap of files.
    values.ValueClass = values.MultiProcessValue(lambda: place.name)  # type: ignore[no-untyped-call]  # It has no types.


def _space_lines(spaces: Mapping[str, Path]) -> Iterator[str]:
    name = "authsvc_free_bytes"
    yield f"# HELP {name} Room that is left on the file system of a place\n# TYPE {name} gauge\n"
    for place, path in spaces.items():
        with contextlib.suppress(OSError):
            yield f'{name}{{place="{place}"}} {shutil.disk_usage(path).free}\n'


def _drift_lines(found: Mapping[str, Drift]) -> Iterator[str]:
    """Gauges that are worked out from the counters of all processes, and so belong to none."""
    for name, text, value in (
        ("index", "Population stability index of the scores against their calibration", _index),
        ("alarm", "1 where scores have drifted so far that thresholds should be looked at", _alarm),
        ("scores", "Scores that the drift was judged by", lambda drift: drift.scores),
    ):
        lines = [(model, told) for model, drift in found.items() if (told := value(drift)) is not None]
        if lines:
            yield f"# HELP authsvc_score_drift_{name} {text}\n# TYPE authsvc_score_drift_{name} gauge\n"
        for model, told in lines:
            yield f'authsvc_score_drift_{name}{{model="{model}"}} {told}\n'


def _index(drift: Drift) -> float | None:
    return drift.index


def _alarm(drift: Drift) -> int | None:
    """Nothing where nothing can be said, so that silence is not taken for health."""
    return None if drift.index is None else int(drift.verdict is DriftVerdict.ALARM)
