"""What a verification found, as its JSON says it."""

from authsvc.audit.report import Fault, Finding, Report


def test_a_report_is_sound_when_nothing_was_found() -> None:
    assert Report(3, 1, 1, {"a": 3}, ()).is_sound
    assert not Report(0, 0, 0, {}, (Finding(Fault.EMPTY, "a", 0, "no entry"),)).is_sound


def test_its_json_says_where_each_fault_is() -> None:
    said = Report(2, 1, 0, {"a": 2}, (Finding(Fault.EDITED, "a", 2, "the hash differs"),)).to_json()
    assert said == {
        "sound": False,
        "links": 2,
        "heads": 1,
        "checkpoints": 0,
        "chains": {"a": 2},
        "archived": {},
        "findings": [{"fault": "edited", "chain": "a", "seq": 2, "detail": "the hash differs"}],
    }
