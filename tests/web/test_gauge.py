"""Gauges in the text form: one head for each name, and labels that cannot break out of their quotes."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from authsvc.web.gauge import Gauge, lines_of

AWKWARD = 'a "b" \\ c\nd'


def test_prometheus_reads_what_is_written() -> None:
    gauges = [
        Gauge("disk_free_bytes", "Free.", 12_345_678_901.0, {"path": AWKWARD}),
        Gauge("ready", "Whether.", 1.0),
        Gauge("disk_free_bytes", "Free.", 0.5, {"path": "/"}),
    ]
    text = "".join(lines_of(gauges))
    assert text.count("# HELP authsvc_disk_free_bytes ") == 1
    families = {each.name: each for each in text_string_to_metric_families(text)}
    assert families["authsvc_ready"].samples[0].value == 1.0
    free = {each.labels["path"]: each.value for each in families["authsvc_disk_free_bytes"].samples}
    assert set(free) == {AWKWARD, "/"}
    assert free["/"] == 0.5
    assert abs(free[AWKWARD] / 12_345_678_901.0 - 1) < 1e-5
    assert {each.type for each in families.values()} == {"gauge"}
