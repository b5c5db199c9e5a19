"""What operators are shown of a policy's life: lists without documents, and moments that may be missing."""

from datetime import UTC, datetime

from authsvc.policy.life import Examined, ShadowRun, Source, State, Version
from authsvc.policy_life.views import shadow_run_view, version_line, version_view, view_of

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
VERSION = Version("pol_1", Source("a = 1", "toml", "sha256:0"), "op_1", "why", NOON)


def test_a_list_has_no_documents_and_a_version_has() -> None:
    assert "document" not in version_line(VERSION)
    assert version_view(VERSION)["document"] == "a = 1"
    assert version_view(VERSION)["analysis"] is None


def test_an_analysis_says_against_what_and_what_was_found() -> None:
    examined = Examined("sha256:1", NOON, "op_1", {"complete": True}, {}, ("weaker-than-active",))
    found = Version("pol_1", VERSION.source, "op_1", "", NOON, State.ANALYZED, examined=examined)
    analysis = version_view(found)["analysis"]
    assert isinstance(analysis, dict)
    assert (analysis["against"], analysis["errors"]) == ("sha256:1", ["weaker-than-active"])


def test_a_run_that_goes_on_has_no_end() -> None:
    run = ShadowRun("shr_1", "pol_1", "sha256:0", "sha256:1", "op_1", NOON)
    assert shadow_run_view(run)["stopped_at"] is None
    assert view_of(run) == shadow_run_view(run)
