"""Every stored value is read back as it was written, on both stores: instants to the millisecond, words in any script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authsvc.biometric.words import Modality, Template
from authsvc.clock import from_millis
from authsvc.device.credential import Device, DeviceState
from authsvc.device.record import CredentialRecord, CredentialState
from authsvc.domain.account import Account, AccountStatus, LowValue
from authsvc.domain.attempts import Attempts, Counter
from authsvc.domain.challenge import Challenge
from authsvc.domain.decision import Decision, PolicyRef, ReceiptRef, Status
from authsvc.domain.ids import new_id, twin
from authsvc.domain.overview import Overview
from authsvc.domain.standing import Standing
from authsvc.domain.ticket import Grounds, Recovery, Ticket, TicketState
from authsvc.factor import Factor
from authsvc.keys.access import ALL_SCOPES, ApiKey
from authsvc.operators.unfreezing import UnfreezeRequest
from authsvc.payment import Binding, Payee, Payment
from authsvc.subject import Subject
from tests.support.service import NOON, Bench, on_store


@pytest.fixture(scope="module", params=["embedded", "servers"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(on_store(request, tmp_path_factory.mktemp("kept")))
    yield made
    made.close()


# -- What is stored ---------------------------------------------------------------------------------------------------

instants = st.integers(0, 4_000_000_000_000).map(from_millis)
later = st.integers(1, 2_000_000_000_000).map(lambda millis: NOON + timedelta(milliseconds=millis))
words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
whole = st.integers(0, 2**53 - 1)
raw = st.binary(min_size=1, max_size=64)
factors = st.frozensets(st.sampled_from(Factor))
times = st.dictionaries(st.sampled_from(Factor), instants)
json_values = st.dictionaries(
    words, st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), words)
)


def subjects() -> st.SearchStrategy[Subject]:
    return st.builds(lambda: Subject("shop", new_id("usr")))


counters = st.builds(Counter, whole, st.none() | instants, st.lists(instants, max_size=6).map(tuple))
accounts = st.builds(
    Account,
    subjects(),
    instants,
    st.sampled_from(AccountStatus),
    st.builds(Standing, factors, times, times),
    words,
    st.booleans(),
    st.builds(LowValue, whole, whole),
    st.builds(Attempts, st.dictionaries(st.sampled_from(["any", *Factor]), counters)),
    st.none() | raw,
    st.none() | instants,
)
devices = st.builds(
    lambda name, state, mac, created, trusted, seen: Device(
        Subject("shop", "nobody"), new_id("dev"), name, state, mac, created, trusted, seen
    ),
    words,
    st.sampled_from(DeviceState),
    raw,
    instants,
    instants,
    st.none() | instants,
)


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    decision_id, subject = new_id("dec"), draw(subjects())
    status = draw(st.sampled_from(Status))
    payee = Payee(draw(words), draw(words))
    payment = Payment(new_id("pay"), "transfer", draw(whole), "CNY", payee, subject)
    sets = ((Factor.FACE, Factor.OTP), (Factor.DEVICE_UV,))
    challenge = Challenge(
        twin(decision_id, "chl"), sets, draw(st.sampled_from(sets)), draw(st.integers(0, 3))
    )
    receipt = ReceiptRef(draw(words), new_id("jti"), draw(instants), draw(st.none() | instants))
    return Decision(
        id=decision_id,
        status=status,
        level="face",
        payment=payment,
        binding=Binding.of(payment),
        inputs=draw(json_values),
        reasons=tuple(draw(st.lists(json_values, max_size=3))),
        fired=tuple(draw(st.lists(words, max_size=3))),
        policy=PolicyRef("default", draw(st.integers(1, 999)), draw(words)),
        novelty="new",
        created_at=draw(instants),
        expires_at=draw(instants),
        exemption=draw(st.none() | words),
        device_id=draw(st.none() | words),
        missing=tuple(draw(st.lists(words, max_size=3))),
        possible_from=draw(st.none() | instants),
        suspended=draw(st.booleans()),
        proofs=tuple(draw(st.lists(json_values, max_size=2))),
        evidence=draw(st.none() | words),
        challenge=draw(st.sampled_from([None, challenge])),
        receipt=draw(st.sampled_from([None, receipt])),
    )


recoveries = st.builds(
    Recovery,
    st.lists(words, max_size=2).map(tuple),
    st.none() | raw,
    st.integers(0, 5),
    st.lists(words, max_size=2).map(tuple),
)
tickets = st.builds(
    lambda subject, *rest: Ticket(new_id("enr"), subject, *rest),
    subjects(),
    st.sampled_from(TicketState),
    words,
    later,
    st.none() | words,
    st.sampled_from(Grounds),
    st.none() | recoveries,
)
overviews = st.builds(
    lambda subject, *rest: Overview(new_id("ovw"), subject, *rest),
    subjects(),
    words,
    st.none() | words,
    later,
)

every_example = settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def kept(bench: Bench, unit: Any) -> Any:
    return bench.wired.store.ledger.transact(unit)


@every_example
@given(account=accounts, changed=accounts)
def test_an_account(bench: Bench, account: Account, changed: Account) -> None:
    added = kept(bench, lambda tx: tx.accounts.add(account))
    assert bench.wired.store.ledger.read(lambda tx: tx.accounts.find(account.subject)) == added
    second = replace(changed, subject=account.subject, created_at=account.created_at, version=added.version)
    saved = kept(bench, lambda tx: tx.accounts.save(second))
    assert bench.wired.store.ledger.read(lambda tx: tx.accounts.find(account.subject)) == saved


@every_example
@given(account=accounts, device=devices, record=st.data())
def test_a_device_and_its_key(bench: Bench, account: Account, device: Device, record: st.DataObject) -> None:
    mine = replace(device, subject=account.subject)
    key = CredentialRecord(
        id=new_id("key"),
        subject=account.subject,
        device_id=mine.id,
        user_handle=record.draw(raw),
        public_key=record.draw(raw),
        sign_count=record.draw(whole),
        backup_eligible=record.draw(st.booleans()),
        backed_up=record.draw(st.booleans()),
        transports=("internal", "hybrid"),
        aaguid=record.draw(words),
        format="none",
        attested=record.draw(st.booleans()),
        created_at=record.draw(instants),
        pays=record.draw(st.booleans()),
        state=CredentialState.ACTIVE,
    )

    def unit(tx: Any) -> None:
        tx.accounts.add(account)
        tx.accounts.add_device(mine)
        assert tx.credentials.add(key)

    kept(bench, unit)
    read = bench.wired.store.ledger.read
    (found,) = read(lambda tx: tx.accounts.devices(account.subject))
    told: Any = {"synced": found.synced, "attested": found.attested, "aaguid": found.aaguid, "version": 1}
    assert found == replace(mine, **told)
    assert read(lambda tx: tx.credentials.find(account.subject, key.id)) == key


@every_example
@given(decision=decisions())
def test_a_decision(bench: Bench, decision: Decision) -> None:
    kept(bench, lambda tx: tx.decisions.open(decision))
    assert bench.wired.store.ledger.read(lambda tx: tx.decisions.find(decision.id)) == decision


@every_example
@given(ticket=tickets)
def test_a_ticket(bench: Bench, ticket: Ticket) -> None:
    kept(bench, lambda tx: tx.tickets.add(ticket, NOON))
    assert bench.wired.store.ledger.read(lambda tx: tx.tickets.find(ticket.id)) == ticket


@every_example
@given(overview=overviews)
def test_an_overview(bench: Bench, overview: Overview) -> None:
    kept(bench, lambda tx: tx.overviews.add(overview, NOON))
    assert bench.wired.store.ledger.read(lambda tx: tx.overviews.find(overview.id)) == overview


@every_example
@given(
    mac=raw,
    created=instants,
    expires=st.none() | instants,
    scopes=st.frozensets(st.sampled_from(sorted(ALL_SCOPES))),
)
def test_an_api_key(bench: Bench, mac: bytes, created: Any, expires: Any, scopes: Any) -> None:
    key = ApiKey(new_id("key"), "shop", mac, scopes, created, expires)
    kept(bench, lambda tx: tx.keys.add(key))
    assert bench.wired.store.ledger.read(lambda tx: tx.keys.find(key.id)) == key


@every_example
@given(reason=words, at=instants, until=later)
def test_a_request_to_unfreeze(bench: Bench, reason: str, at: Any, until: Any) -> None:
    request = UnfreezeRequest(new_id("ufr"), Subject("shop", new_id("usr")), reason, "op_1", at, until)
    kept(bench, lambda tx: tx.unfreezes.open(request))
    assert bench.wired.store.ledger.read(lambda tx: tx.unfreezes.find(request.id)) == request


@every_example
@given(
    vector=st.binary(min_size=4, max_size=512), samples=st.integers(1, 9), wording=words, given_at=instants
)
def test_a_template_and_its_consent(
    bench: Bench, vector: bytes, samples: int, wording: str, given_at: Any
) -> None:
    subject = Subject("shop", new_id("usr"))
    sealed = bench.wired.store.sealer.new_subject_key(subject)
    template = Template(Modality.FACE, "model", vector, samples)

    def unit(tx: Any) -> None:
        tx.accounts.add(Account(subject, NOON, sealing_key=sealed))
        tx.templates.put(subject, sealed, new_id("tpl"), template, given_at)
        tx.templates.give_consent(new_id("cst"), subject, Modality.FACE, wording, given_at)

    kept(bench, unit)
    read = bench.wired.store.ledger.read
    found = read(lambda tx: tx.templates.find(subject, Modality.FACE))
    assert found is not None
    assert found.template == template
    (consent,) = read(lambda tx: tx.templates.consents(subject))
    assert (consent.text_version, consent.given_at, consent.withdrawn_at) == (wording, given_at, None)
