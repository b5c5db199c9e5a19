"""After a change of model a face is enrolled anew by a good capture of its person: once, told, and never for more than it was."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from authsvc.biometric.consent import IN_FORCE
from authsvc.biometric.words import Liveness, Modality, StoredTemplate
from authsvc.device.novelty import StatedDevice
from authsvc.domain.account import Account
from authsvc.errors import InvalidRequest, Unavailable
from authsvc.factor import Factor, Unusable
from authsvc.subject import Subject
from tests.flows.test_liveness import Watched, risky
from tests.support.service import Said, challenge_of, embedded
from tests.support.two_models import CURRENT, DIGESTS, EARLIER, TwoModels

PAYER = Subject("shop", "u_1")


class Changed(Watched):
    """Somebody whose face an earlier model enrolled, in a service where another does now."""

    faces: TwoModels
    shots = 100

    def stored(self) -> StoredTemplate:
        found = self.wired.store.ledger.read(lambda tx: tx.templates.find(PAYER, Modality.FACE))
        assert found is not None
        return found

    def account(self) -> Account:
        found = self.wired.store.ledger.read(lambda tx: tx.accounts.find(PAYER))
        assert found is not None
        return found

    def agrees(self, wording: str = IN_FORCE) -> None:
        now = self.clock.now()
        self.wired.store.ledger.transact(
            lambda tx: tx.templates.give_consent(f"cst_{wording}", PAYER, Modality.FACE, wording, now)
        )

    def owns(self, factor: Factor) -> None:
        now = self.clock.now()

        def unit(tx: Any) -> None:  # Any: a transaction, used as an enrollment does
            tx.accounts.save(tx.accounts.find(PAYER).enrolled(factor, now, now))

        self.wired.store.ledger.transact(unit)

    def captured(self, decision: Said | None = None, *pictures: str) -> Said:
        """A capture of its own: the same one counts once."""
        decision = risky(self) if decision is None else decision
        self.shots += 2
        self.answer_face(decision, *(pictures or (f"ann {self.shots}", f"ann {self.shots + 1}")))
        return decision

    def pays(self) -> bool:
        return self.complete(self.captured()).authenticated

    def told(self) -> list[Said]:
        return [each for each in self.events() if each["type"] == "subject:face:renewed"]

    def is_renewed(self) -> bool:
        assert len(self.told()) == (self.stored().template.model == DIGESTS[CURRENT])
        return self.stored().template.model == DIGESTS[CURRENT]


@pytest.fixture(params=["embedded", "servers"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Changed]:
    changes = {}
    if request.param == "servers":
        changes = {
            "database_url": request.getfixturevalue("migrated_postgres_url"),
            "redis_url": request.getfixturevalue("redis_url"),
        }
    settings = embedded(tmp_path / "data", unsafe_no_pad=False, face_model=CURRENT, **changes)
    made = Changed(settings, faces=TwoModels())
    made.faces.gates, made.faces.liveness = ("active",), Liveness.BONA_FIDE
    made.services.public.readyz()
    made.owner = made.enroll(face="ann")
    made.device = made.owner.device
    made.faces.model = DIGESTS[CURRENT]
    yield made
    made.close()


@pytest.fixture
def agreed(bench: Changed) -> Changed:
    bench.agrees()
    return bench


embedded_alone = pytest.mark.parametrize("bench", ["embedded"], indirect=True)


def test_a_good_capture_is_enrolled_by_the_current_model_and_its_person_is_told(agreed: Changed) -> None:
    before, standing = agreed.stored(), agreed.account().standing
    decision = agreed.captured()
    assert agreed.stored() == before, "nothing counts before the payment does"
    assert agreed.complete(decision).authenticated
    assert agreed.faces.judged_by == [DIGESTS[EARLIER]]
    assert agreed.is_renewed()
    assert agreed.account().standing == standing
    (event,) = agreed.told()
    assert event["data"] == {"decision": decision["id"]}
    assert set(event["alert"]) == {"zh-CN", "en"}
    assert agreed.pays()
    assert agreed.faces.judged_by[-1] == DIGESTS[CURRENT]
    assert len(agreed.told()) == 1


@embedded_alone
def test_the_audit_and_the_overview_say_so(agreed: Changed) -> None:
    decision = agreed.captured()
    agreed.complete(decision)
    lines = agreed.services.records.audit_events(agreed.key, None, 500)["events"]
    assert isinstance(lines, list)
    (line,) = [line for line in lines if line["action"] == "biometric.renew"]
    assert line["details"] == {
        "decision": decision["id"],
        "earlier": DIGESTS[EARLIER],
        "model": DIGESTS[CURRENT],
    }
    shown = agreed.services.users.activity(agreed.key, "u_1", None, 10)["verifications"]
    assert isinstance(shown, list)
    assert [each["face_renewed"] for each in shown] == [True]


@embedded_alone
def test_a_capture_that_only_just_passes_renews_nothing(agreed: Changed) -> None:
    agreed.faces.score = 0.96
    assert agreed.pays()
    assert not agreed.is_renewed()


@embedded_alone
def test_a_capture_that_is_not_good_enough_to_enroll_pays_and_renews_nothing(agreed: Changed) -> None:
    asked: list[None] = []

    def blurred() -> Unusable:
        asked.append(None)
        return Unusable(("blurred",))

    agreed.faces.enrolls = blurred
    assert agreed.pays()
    assert len(asked) == 1, "of a capture that will not do the other parts are not looked at twice"
    assert not agreed.is_renewed()


@embedded_alone
def test_a_worker_that_fails_at_it_keeps_nobody_from_paying(
    agreed: Changed, caplog: pytest.LogCaptureFixture
) -> None:
    def gone() -> Unusable:
        raise Unavailable("the biometric worker does not answer")

    agreed.faces.enrolls = gone
    assert agreed.pays()
    assert not agreed.is_renewed()
    assert "a face was not enrolled anew" in caplog.text


@embedded_alone
def test_whoever_agreed_to_a_text_without_it_keeps_the_template_until_they_agree(bench: Changed) -> None:
    assert bench.pays()
    assert not bench.is_renewed()
    bench.agrees()
    assert bench.pays()
    assert bench.is_renewed()


@embedded_alone
def test_the_latest_consent_is_the_one_that_counts(agreed: Changed) -> None:
    agreed.clock.advance(agreed.settings.probation)
    agreed.agrees("2026-11")
    assert agreed.pays()
    assert not agreed.is_renewed()


@embedded_alone
def test_a_payment_below_the_strongest_level_renews_nothing(agreed: Changed) -> None:
    """Else a face alone would change what an enrollment asks face and key for."""
    agreed.owns(Factor.DEVICE_UV)
    assert agreed.pays()
    assert not agreed.is_renewed()


@embedded_alone
def test_a_phone_that_is_not_trusted_renews_nothing(agreed: Changed) -> None:
    decision = agreed.decide(agreed.payment(125_000), StatedDevice("dev_new", "ds_whatever"), risk=73)
    agreed.captured(decision)
    agreed.answer_otp(decision, agreed.owner.code(agreed.clock))
    assert agreed.complete(decision).authenticated
    assert not agreed.is_renewed()


@embedded_alone
def test_somebody_else_and_a_dead_face_renew_nothing(agreed: Changed) -> None:
    assert not agreed.complete(agreed.captured(None, "bob 1", "bob 2")).authenticated
    agreed.faces.liveness = Liveness.ATTACK
    assert not agreed.complete(agreed.captured(None, "ann 5", "ann 6")).authenticated
    assert not agreed.is_renewed()


def test_of_two_payments_at_once_both_pay_and_one_renews(agreed: Changed) -> None:
    decisions = [agreed.captured(None, f"ann {number}", f"ann {number + 10}") for number in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(agreed.complete, decisions))
    assert [each.authenticated for each in done] == [True, True]
    assert agreed.is_renewed()


@embedded_alone
def test_a_capture_of_two_models_is_begun_anew(agreed: Changed) -> None:
    """Another payment was released, and renewed the face, between two gestures."""
    paying, waiting = agreed.captured(), risky(agreed)
    opened = challenge_of(waiting)
    shown = agreed.services.challenges.begin_step(*opened, Factor.FACE)
    shown = agreed.services.challenges.take_step(*opened, Factor.FACE, agreed.part(shown, "ann 20", "ann 21"))
    assert agreed.complete(paying).authenticated
    with pytest.raises(InvalidRequest, match="enrolled anew in the meantime; begin again"):
        agreed.services.challenges.take_step(*opened, Factor.FACE, agreed.part(shown, "ann 22", "ann 23"))
    agreed.captured(waiting, "ann 24", "ann 25")
    assert agreed.complete(waiting).authenticated


@embedded_alone
def test_a_template_that_was_withdrawn_is_not_brought_back(agreed: Changed) -> None:
    decision = agreed.captured()
    agreed.services.users.withdraw_biometric(agreed.key, "u_1", "face")
    assert not agreed.complete(decision).authenticated
    found = agreed.wired.store.ledger.read(lambda tx: tx.templates.find(PAYER, Modality.FACE))
    assert found is None
    assert agreed.told() == []
