"""Readiness warns where a room's thresholds were set on other people than those whom the service is for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authsvc.biometric.manifest import manifest_folder, read_manifests
from tests.support.service import Bench, embedded

OURS = "our customers of 2026, phones"
WARNING = "face-calibrated-on-others"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    opened = Bench(embedded(tmp_path_factory.mktemp("authsvc"), population=OURS))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("populations", "warned"),
    [([OURS], False), ([], False), (["others"], True), ([OURS, "others"], True), ([""], True)],
)
def test_thresholds_of_other_people_are_warned_of(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, populations: list[str], warned: bool
) -> None:
    said = {**bench.faces.describe(), "populations": populations}
    monkeypatch.setattr(bench.faces, "describe", lambda: said)
    ready, found = bench.services.public.readyz()
    warnings: Any = found["warnings"]
    assert ready
    assert (WARNING in warnings) is warned


def test_who_states_nobody_is_warned_of_every_shipped_threshold(tmp_path: Path) -> None:
    """Nobody's users are those people, and the manifests say so."""
    calibrated = [each for each in read_manifests(manifest_folder()) if each.operating_points]
    assert calibrated
    assert not [each.id for each in calibrated if "" in each.populations]
