"""Both directions: with default settings every drill is stopped, and with its control gone it reports the hole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from authsvc.cli.drill import photographs, policy_of, template_of
from authsvc.cli.drill_premises import DrillService
from authsvc.lab.drill import captures
from authsvc.lab.drill import drill as drill_module
from authsvc.lab.drill.drill import DRILLS, Drill, Result, Verdict
from authsvc.lab.drill.people import expect
from authsvc.lab.drill.running import chosen, end_of_feed, play, traced
from authsvc.lab.drill.scene import Pictures, Scene
from authsvc.lab.drill.service import Answer, Service
from tests.lab.drill.here import Here
from tests.lab.drill.weakened import WEAKENED


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    served = Here(tmp_path_factory.mktemp("drills"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(captures, "hold", lambda shown: None)
        yield served
    served.close()


def test_every_drill_has_its_control_taken_away() -> None:
    assert set(WEAKENED) == {each.name for each in chosen(())}
    assert len(DRILLS) >= 40


@pytest.mark.parametrize("name", sorted(WEAKENED))
def test_a_drill_reports_the_hole_where_its_control_is_gone(
    name: str, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    WEAKENED[name](monkeypatch)
    result = here.played(name)
    assert result.verdict is Verdict.HOLE, (result.why, result.stopped_by)


@pytest.mark.parametrize("profile", ["seed", "psd2"])
def test_every_drill_is_stopped_by_the_default_settings(
    profile: str, model_dir: Path, pictures: Pictures
) -> None:
    template = template_of(pictures, model_dir)
    with DrillService(model_dir, policy_of(profile), template) as service:
        reached, premises = Service(service.url, service.api_key), service.premises
        after = end_of_feed(reached)
        played = list(play(chosen(()), lambda: Scene(reached, premises, pictures), at_once=6))
        results = traced(played, reached, after)
    assert [
        (each.drill.name, each.verdict, each.why, each.stopped_by)
        for each in results
        if not _is_stopped(each)
    ] == []
    assert len(results) == len(DRILLS)
    by_name = {each.drill.name: each for each in results}
    assert "audit verify" in by_name["insider-cuts-audit"].trace.noticed_by
    cloned = by_name["cloned-key"].trace
    assert "subject:device:frozen" in cloned.events
    assert cloned.seconds is not None


@pytest.mark.parametrize(
    ("refused", "verdict"), [(0, "stopped"), (3, "stopped"), (4, "broken"), (9, "broken")]
)
def test_a_busy_service_is_asked_again_by_other_people_and_not_for_ever(
    refused: int, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill_module, "BUSY_S", 0.0)
    scenes: list[Scene] = []

    def of_its_own() -> Scene:
        scenes.append(Scene(Service("http://127.0.0.1:9", ""), None, Pictures(), None))
        return scenes[-1]

    def attack(scene: Scene) -> None:
        expect(Answer(503 if len(scenes) <= refused else 200, b"{}"), 200)
        scene.attack("401", through=False)

    [(result, _)] = play([Drill("busy", "", "", attack)], of_its_own)
    assert (result.verdict, len(scenes)) == (Verdict(verdict), min(refused + 1, drill_module.MOST_TURNS))
    assert ("503" in result.why) is (verdict == "broken")


def test_a_hole_stays_one_though_the_service_was_busy_afterwards() -> None:
    def attack(scene: Scene) -> None:
        scene.attack("200", through=True)
        expect(Answer(503, b"{}"), 200)

    [(result, _)] = play(
        [Drill("busy", "", "", attack)], lambda: Scene(Service("http://127.0.0.1:9", ""), None)
    )
    assert (result.verdict, len(result.tries)) == (Verdict.HOLE, 1)


def _is_stopped(result: Result) -> bool:
    needs_pictures = result.verdict is Verdict.NOT_PLAYED and "--" in result.why
    return result.verdict is Verdict.STOPPED or needs_pictures


@pytest.fixture(scope="module")
def pictures(request: pytest.FixtureRequest) -> Pictures:
    """Of two people, where the test data are; the drills that need them are else not played."""
    try:
        faces: Path = request.getfixturevalue("faces_dir")
    except pytest.skip.Exception:
        return Pictures()
    owner, stranger = (photographs(faces / name) for name in ("obama", "biden"))
    return Pictures(owner, stranger, owner)
