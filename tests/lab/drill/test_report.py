"""What a run of drills says, and what its exit code rests on."""

from __future__ import annotations

from authsvc.lab.drill.drill import Drill, Result, Trace, Try, Verdict
from authsvc.lab.drill.report import held, lines, to_json, verdict

DRILL = Drill("replayed-code", "a code is used again", "a time step counts once", lambda scene: None)
STOPPED = Result(
    DRILL,
    Verdict.STOPPED,
    (Try(False, "401 challenge-failed"),) * 2,
    trace=Trace(("attack:suspected",), (), 0.25),
)
HOLE = Result(DRILL, Verdict.HOLE, (Try(True, "200 authenticated"),))
NOT_PLAYED = Result(DRILL, Verdict.NOT_PLAYED, why="needs --faces")
BROKEN = Result(DRILL, Verdict.BROKEN, why="201 was expected, and 503 came")


def test_a_run_holds_only_when_something_was_played_and_all_of_it_stopped() -> None:
    assert held([STOPPED, NOT_PLAYED])
    assert not held([STOPPED, HOLE])
    assert not held([STOPPED, BROKEN])
    assert not held([NOT_PLAYED])
    assert not held([])


def test_a_result_says_what_stopped_it_after_how_many_tries_and_when_somebody_could_know() -> None:
    text = "\n".join(lines(STOPPED))
    assert "2 tries: 401 challenge-failed" in text
    assert "known after 0.2 s: attack:suspected" in text
    assert "not played: needs --faces" in "\n".join(lines(NOT_PLAYED))
    assert "nobody is told" in "\n".join(lines(HOLE))
    [found] = to_json([HOLE], {"policy": "seed"})["drills"]
    assert (found["verdict"], found["got_through"], found["tries"]) == ("hole", 1, 1)
    assert verdict([STOPPED, NOT_PLAYED]).endswith("Everything that was played was stopped.")
