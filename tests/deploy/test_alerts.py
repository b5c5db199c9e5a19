"""Every alert rule fires upon its fault, is silent in health, and has its page; every metric is described.

The fault is made in a real service; what `/metrics` says before and afterwards goes to `promtool`, with the real rules.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.observed import FAULTS, Observed

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
RUNBOOK = ROOT / "docs" / "operations" / "runbook"
ALERTS = re.findall(r"^ +- alert: (\w+)$", RULES.read_text(), re.MULTILINE)

Series = Mapping[str, tuple[str, float]]
"""By name and labels: the kind of the family, and the value."""

LASTING = "4m"
"""Between scrapes, where a rule waits for an hour or for a day; after five minutes Prometheus forgets."""

GREAT = (FAULTS["AuthsvcErrors"],)
LITTLE = tuple(dict.fromkeys(fault for fault in FAULTS.values() if fault not in GREAT))
"""These can be made one after the other in one service: what a fault leaves behind is there before the next one."""


Fault = Callable[[Observed], None]


def in_health(it: Observed) -> None:
    it.pay()


@pytest.fixture(scope="module")
def promtool() -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    return program


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Series, Series]]:
    """What was said before and after each fault, and in health."""
    made: dict[Fault, tuple[Series, Series]] = {}
    for number, faults in enumerate([(in_health, *LITTLE), GREAT]):
        it = Observed(tmp_path_factory.mktemp(f"observed-{number}"))
        try:
            for fault in faults:
                before = series_of(it.text())
                fault(it)
                made[fault] = (before, series_of(it.text()))
                it.monkey.undo()
        finally:
            it.close()
    return {"": made[in_health], **{alert: made[fault] for alert, fault in FAULTS.items()}}


def series_of(text: str) -> Series:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # A process id is another one at each run, and its memory another.
            labels = {name: value for name, value in sample.labels.items() if name != "pid"}
            written = ",".join(f'{name}="{value}"' for name, value in labels.items())
            found[f"{sample.name}{{{written}}}"] = (family.type, sample.value)
    return found


def values(before: Series, after: Series, name: str) -> str:
    """A counter goes on as it did from the one to the other; a gauge stays where it came."""
    kind, last = after[name]
    first = before.get(name, (kind, 0.0))[1]
    if kind in ("counter", "histogram"):
        return f"{first:.6f}+{max(0.0, last - first):.6f}x400"
    return f"{first:.6f} {last:.6f}x400"


def lines(before: Series, after: Series) -> Iterator[str]:
    for name in after:
        if not name.startswith("authsvc_request_created"):
            yield f"      - series: {json.dumps(name)}\n        values: '{values(before, after, name)}'"


def case(alert: str, series: Iterator[str], expected: int, interval: str, at: str) -> str:
    which = f'alertname="{alert}",' if alert else ""
    firing = f'count(ALERTS{{{which}alertstate="firing"}}) > bool 0 or vector(0)'
    return "\n".join(
        [
            f"  - interval: {interval}",
            "    input_series:",
            *series,
            "    promql_expr_test:",
            f"      - expr: {json.dumps(firing)}",
            f"        eval_time: {at}",
            f"        exp_samples:\n          - labels: '{{}}'\n            value: {expected}",
        ]
    )


def ours(versions: tuple[str, ...], up: int = 1) -> Iterator[str]:
    """Of Prometheus itself, and of several hosts."""
    yield f"      - series: 'up{{job=\"authsvc\"}}'\n        values: '{up}x400'"
    for number, version in enumerate(versions):
        labels = f'version="{version}",instance="host-{number}"'
        yield f"      - series: 'authsvc_build_info{{{labels}}}'\n        values: '1x400'"


def test_every_rule_fires_upon_its_fault_and_none_in_health(
    promtool: str, observed: dict[str, tuple[Series, Series]], tmp_path: Path
):
    cases = [case("", lines(*observed[""]), 0, "1m", "30m")]
    for alert in FAULTS:
        when = (LASTING, "3h") if alert == "AuthsvcScoreDrift" else ("1m", "15m")
        cases.append(case(alert, lines(*observed[alert]), 1, *when))
    cases.append(case("AuthsvcDown", ours(("1",), up=0), 1, "1m", "10m"))
    cases.append(case("AuthsvcVersionsDiffer", ours(("1", "2")), 1, LASTING, "26h"))
    cases.append(case("", ours(("1", "1")), 0, LASTING, "26h"))
    test = tmp_path / "test.yml"
    test.write_text(f"rule_files: [{RULES}]\nevaluation_interval: 1m\ntests:\n" + "\n".join(cases) + "\n")
    done = subprocess.run([promtool, "test", "rules", str(test)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_every_rule_is_tried():
    assert {*FAULTS, "AuthsvcDown", "AuthsvcVersionsDiffer"} == set(ALERTS)


def test_the_rules_are_well_formed(promtool: str):
    done = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True)
    assert (done.returncode, f"{len(ALERTS)} rules found" in done.stdout) == (0, True), done.stdout


@pytest.mark.parametrize("alert", ALERTS)
def test_every_rule_has_its_page(alert: str):
    page = (RUNBOOK / f"{alert}.md").read_text()
    assert page.startswith(f"# {alert}\n")
    assert {"## What it means", "## Look", "## Do"} <= set(page.splitlines())
    assert f"docs/operations/runbook/{alert}.md" in RULES.read_text()


def test_no_page_is_for_a_rule_that_is_gone():
    assert {path.stem for path in RUNBOOK.glob("*.md")} == set(ALERTS)


def families(text: str) -> dict[str, str]:
    return {family.name: family.documentation for family in text_string_to_metric_families(text)}


def test_every_metric_is_described(tmp_path: Path):
    it = Observed(tmp_path)
    try:
        it.metrics.step("otp", "received")
        found = {name: text for name, text in families(it.text()).items() if not name.endswith("_created")}
    finally:
        it.close()
    assert len(found) > 20
    assert not [name for name, text in found.items() if len(text) < 10]
    listed = re.findall(
        r"^\| `(authsvc_\w+)` \|", (ROOT / "docs/operations/metrics.md").read_text(), re.MULTILINE
    )
    assert sorted(set(found) - set(listed)) == []
    assert not [name for name in used_in(RULES.read_text()) if name not in known(listed)]


def used_in(text: str) -> set[str]:
    return set(re.findall(r"\bauthsvc_\w+", text))


def known(listed: list[str]) -> set[str]:
    ends = ("", "_total", "_bucket", "_count", "_sum")
    return {name + end for name in listed for end in ends}


DASHBOARD = json.loads((ROOT / "deploy/grafana/authsvc.json").read_text())


def test_the_dashboard_asks_for_what_there_is(promtool: str, tmp_path: Path):
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    assert len(asked) > 12
    listed = re.findall(
        r"^\| `(authsvc_\w+)` \|", (ROOT / "docs/operations/metrics.md").read_text(), re.MULTILINE
    )
    assert not [name for expr in asked for name in used_in(expr) if name not in known(listed)]
    rules = [
        f"      - record: a{number}\n        expr: {json.dumps(expr.replace('$__rate_interval', '5m'))}"
        for number, expr in enumerate(asked)
    ]
    (tmp_path / "rules.yml").write_text("groups:\n  - name: a\n    rules:\n" + "\n".join(rules) + "\n")
    done = subprocess.run(
        [promtool, "check", "rules", str(tmp_path / "rules.yml")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_dashboard_is_laid_out():
    """No panel lies on another, none is without a title or a unit; a schema check by Grafana's own SDK where it is there."""
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["title"]
        assert panel["type"] == "row" or panel["fieldConfig"]["defaults"]["unit"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_grafana_s_own_sdk_reads_the_dashboard():
    dashboard = pytest.importorskip(
        "grafana_foundation_sdk.models.dashboard", reason="grafana-foundation-sdk is not installed"
    )
    pytest.importorskip("grafana_foundation_sdk.models.timeseries")
    read = dashboard.Dashboard.from_json(DASHBOARD)
    assert read.title == "authsvc"
    assert len(read.panels) == len(DASHBOARD["panels"])
