"""What is so at the moment of a scrape: of this host's processes, and of nothing that does not answer."""

import os
from pathlib import Path

from authsvc.bootstrap.gauges import _processes, _starts, note_start
from authsvc.web.gauge import Gauge, lines_of


def test_starts_are_noted_by_process(tmp_path: Path):
    note_start(tmp_path, "web-1", 1)
    note_start(tmp_path, "web-1", 2)
    note_start(tmp_path, "webhooks", 1)
    note_start(tmp_path / "absent", "webhooks", 1)
    (tmp_path / "starts-broken").write_text("x")
    assert [(each.labels["process"], each.value) for each in _starts(tmp_path)] == [
        ("web-1", 2.0),
        ("webhooks", 1.0),
    ]


def test_this_process_has_memory():
    [ours] = [each for each in _processes(os.getpid()) if each.labels["pid"] == str(os.getpid())]
    assert ours.value > 1 << 20


def test_lines_are_as_prometheus_reads_them():
    found = "".join(
        lines_of([Gauge("a", "what", 1.5, {"b": 'x"\\\n'}), Gauge("c", "other", 2), Gauge("a", "what", 2)])
    )
    assert found == (
        '# HELP authsvc_a what\n# TYPE authsvc_a gauge\nauthsvc_a{b="x\\"\\\\\\n"} 1.5\nauthsvc_a 2\n'
        "# HELP authsvc_c other\n# TYPE authsvc_c gauge\nauthsvc_c 2\n"
    )
