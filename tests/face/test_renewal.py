"""A face of an earlier model and its renewal: drawn faces, two matchers of them, and what waits with the evidence."""

from __future__ import annotations

import pytest

from authsvc.biometric.consent import IN_FORCE
from authsvc.biometric.manifest import Manifest
from authsvc.biometric.words import Comparison, Consent, Liveness, Modality, Renewal, StoredTemplate
from authsvc.errors import Unavailable
from authsvc.face.capture import CaptureContext
from authsvc.face.installed import InstalledModels
from authsvc.face.renewal import RENEWAL, Renewing
from authsvc.face.service import FaceService
from tests.face.drawing import BLUE, RED, drawn, png
from tests.face.test_service import Says, build, burst, template
from tests.support.service import NOON

STILL = CaptureContext()
AGREED = [Consent(Modality.FACE, IN_FORCE, NOON, None)]


class Changed:
    """Two matchers, and the red person's template by the earlier one."""

    def __init__(self, current: FaceService, earlier: FaceService) -> None:
        self.current = current
        self.models = InstalledModels(current, [earlier])
        self.stored = StoredTemplate("tpl_1", template(earlier))
        self.renewing = Renewing(self.models, self.models.model)


@pytest.fixture
def newer(drawn_manifest: Manifest) -> Manifest:
    return drawn_manifest.model_copy(update={"id": "drawn-2", "version": "2"})


@pytest.fixture
def changed(drawn_manifest: Manifest, newer: Manifest) -> Changed:
    return Changed(build(newer), build(drawn_manifest))


def test_only_a_template_of_another_model_is_due_and_only_with_consent(changed: Changed) -> None:
    of_today = StoredTemplate("tpl_2", template(changed.current))
    assert changed.renewing.is_due(changed.stored, AGREED)
    assert not changed.renewing.is_due(changed.stored, [])
    assert not changed.renewing.is_due(of_today, AGREED)
    assert not changed.renewing.is_due(None, AGREED)


def test_what_waits_is_a_template_of_the_current_model_that_knows_its_person(changed: Changed) -> None:
    kept = changed.renewing.of_frames(changed.stored, burst(RED), STILL)
    fields = kept[RENEWAL]
    assert isinstance(fields, dict)
    renewal = Renewal.from_json(Modality.FACE, fields)
    assert renewal.to_json() == fields
    assert (renewal.earlier, renewal.template.model) == (changed.stored.template.model, changed.models.model)
    for colour, alike in ((RED, True), (BLUE, False)):
        compared = changed.models.verify(burst(colour), renewal.template, STILL)
        assert isinstance(compared, Comparison)
        assert (compared.score > 0.9) is alike


def test_too_few_frames_and_faces_too_small_to_enroll_make_none(changed: Changed) -> None:
    assert changed.renewing.of_frames(changed.stored, burst(RED, count=2), STILL) == {}
    small = [png(drawn(RED, width=70 + number)) for number in range(3)]
    assert isinstance(changed.models.verify(small, changed.stored.template, STILL), Comparison)
    assert changed.renewing.of_frames(changed.stored, small, STILL) == {}


def test_what_the_current_model_does_not_take_for_alive_makes_none(
    drawn_manifest: Manifest, newer: Manifest
) -> None:
    changed = Changed(build(newer, Says(Liveness.UNDECIDED)), build(drawn_manifest))
    assert changed.renewing.of_frames(changed.stored, burst(RED), STILL) == {}


def test_an_outage_makes_none(changed: Changed, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise Unavailable("no worker")

    monkeypatch.setattr(changed.models, "enroll", gone)
    assert changed.renewing.of_frames(changed.stored, burst(RED), STILL) == {}
