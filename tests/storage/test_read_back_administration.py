"""What operators, policies and webhooks keep is read back as it was written, on both stores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from authsvc.device.record import CredentialRecord, CredentialState
from authsvc.domain.attempts import Counter
from authsvc.domain.ids import new_id
from authsvc.domain.operator import Operator, Role
from authsvc.operators.account import OperatorAccount, OperatorState
from authsvc.operators.invitation import Invitation
from authsvc.operators.session import Means, Session, SessionKind
from authsvc.policy.jobs import Backtesting, JobState
from authsvc.policy.life import Approval, Examined, Publication, Publishing, ShadowRun, Source, State, Version
from authsvc.subject import Subject
from authsvc.webhook.delivery import Delivery, DeliveryState
from authsvc.webhook.endpoint import Disabled, Endpoint
from tests.storage.test_read_back import (
    bench,
    counters,
    every_example,
    instants,
    json_values,
    kept,
    later,
    raw,
    words,
)
from tests.support.service import NOON, Bench

__all__ = ["bench"]

digests = words.map(lambda each: f"sha256:{each}")
maybe_json = st.none() | json_values
operators = st.builds(
    lambda name, *rest: OperatorAccount(new_id("opr"), f"{name} {new_id('n')}", *rest),
    words,
    st.frozensets(st.sampled_from(Role)),
    instants,
    st.sampled_from(OperatorState),
    st.none() | raw,
)
examined = st.builds(
    Examined, digests, instants, words, json_values, json_values, st.lists(words, max_size=3).map(tuple)
)
approvals = st.builds(Approval, words, instants, st.lists(words, max_size=3).map(tuple), words)
versions = st.builds(
    lambda *rest: Version(new_id("pol"), *rest),
    st.builds(Source, words, st.sampled_from(["toml", "json"]), digests),
    words,
    words,
    instants,
    st.sampled_from(State),
    st.none() | words,
    st.none() | st.integers(1, 2**31),
    st.none() | examined,
    st.none() | approvals,
)
backtests = st.builds(
    lambda *rest: Backtesting(new_id("bkt"), *rest), words, words, instants, instants, instants
)
endpoints = st.builds(
    lambda *rest: Endpoint(new_id("whk"), "shop", *rest),
    words,
    st.lists(words, max_size=3).map(tuple),
    instants,
    st.none() | st.sampled_from(Disabled),
)
deliveries = st.builds(
    lambda endpoint, *rest: Delivery(new_id("wdl"), endpoint.id, *rest),
    endpoints,
    words,
    st.none() | st.integers(1, 2**53 - 1),
    instants,
    instants,
    st.none() | instants,
    st.booleans(),
    st.sampled_from(DeliveryState),
    st.just(0),
    st.just(0),  # A delivery that is added was not attempted yet, and has not ended.
    st.none(),
)


def read(bench: Bench, query: Any) -> Any:
    return bench.wired.store.ledger.read(query)


@every_example
@given(account=operators, changed=operators)
def test_an_operator(bench: Bench, account: OperatorAccount, changed: OperatorAccount) -> None:
    assert kept(bench, lambda tx: tx.operators.add(account))
    found = read(bench, lambda tx: tx.operators.find(account.id))
    assert found == replace(account, version=1)
    second = replace(changed, version=1, id=account.id, name=account.name, created_at=account.created_at)
    saved = kept(bench, lambda tx: tx.operators.save(second))
    assert read(bench, lambda tx: tx.operators.find(account.id)) == saved


@every_example
@given(account=operators, mac=raw, until=later, at=instants, secret=raw, kind=st.sampled_from(SessionKind))
def test_what_an_operator_signs_in_with(
    bench: Bench, account: OperatorAccount, mac: bytes, until: Any, at: Any, secret: bytes, kind: SessionKind
) -> None:
    active = replace(account, state=OperatorState.ACTIVE)
    invitation = Invitation(new_id("inv"), active.id, mac, until)
    who = Operator(active.id, active.name, active.roles)
    session = Session(new_id("ses"), kind, who, Means.APP, mac, at, until, until)

    def unit(tx: Any) -> None:
        assert tx.operators.add(active)
        tx.operators.invite(invitation)
        tx.operators.put_app(active.id, secret, 7)
        tx.sessions.add(session)

    kept(bench, unit)
    assert read(bench, lambda tx: tx.operators.invitation(invitation.id)) == invitation
    assert read(bench, lambda tx: tx.operators.app_secret(active.id)) == secret
    assert read(bench, lambda tx: tx.sessions.find(session.id)) == session


@every_example
@given(account=operators, key=st.data())
def test_a_key_of_an_operator(bench: Bench, account: OperatorAccount, key: st.DataObject) -> None:
    record = CredentialRecord(
        id=new_id("key"),
        subject=Subject("operators", account.id),
        device_id=account.id,
        user_handle=key.draw(raw),
        public_key=key.draw(raw),
        sign_count=key.draw(st.integers(0, 2**32 - 1)),
        backup_eligible=key.draw(st.booleans()),
        backed_up=key.draw(st.booleans()),
        transports=("internal", "hybrid"),
        aaguid=key.draw(words),
        format="none",
        attested=False,  # Nobody asks an operator's key for a statement.
        created_at=key.draw(instants),
        state=CredentialState.ACTIVE,
    )

    def unit(tx: Any) -> None:
        assert tx.operators.add(account)
        assert tx.operators.add_key(record)

    kept(bench, unit)
    (found,) = read(bench, lambda tx: tx.operators.keys(account.id))
    assert found == replace(record, subject=found.subject, device_id=found.device_id)


@every_example
@given(before=counters)
def test_an_operators_attempts(bench: Bench, before: Counter) -> None:
    scope = new_id("opr")
    kept(bench, lambda tx: tx.sessions.save_counter(scope, tx.sessions.counter(scope), before))
    assert read(bench, lambda tx: tx.sessions.counter(scope)) == before


@every_example
@given(version=versions, changed=versions)
def test_a_version_of_a_policy(bench: Bench, version: Version, changed: Version) -> None:
    kept(bench, lambda tx: tx.life.add(version))
    found = read(bench, lambda tx: tx.life.find(version.id))
    assert found == version
    steps = {
        name: getattr(changed, name) for name in ("state", "policy_id", "number", "examined", "approval")
    }
    second = kept(bench, lambda tx: tx.life.save(replace(version, **steps)))
    assert read(bench, lambda tx: tx.life.find(version.id)) == second


@every_example
@given(digest=digests, by=words, at=instants, note=words, back=st.booleans())
def test_a_publication_and_its_shadow(
    bench: Bench, digest: str, by: str, at: Any, note: str, back: bool
) -> None:
    before = read(bench, lambda tx: tx.life.current()).publication.number
    back_to = before if back else None
    made = Publication(before + 1, new_id("pol"), digest, Publishing.ACTIVATED, by, at, back_to, note)
    run = ShadowRun(new_id("run"), new_id("pol"), digest, digest, by, at)

    def unit(tx: Any) -> None:
        assert tx.life.publish(made, before)
        tx.life.begin_shadow(run)

    kept(bench, unit)
    assert read(bench, lambda tx: tx.life.publication(made.number)) == made
    found = read(bench, lambda tx: tx.life.current())
    assert (found.publication, found.shadow) == (made, run)


@every_example
@given(job=backtests)
def test_a_backtest(bench: Bench, job: Backtesting) -> None:
    kept(bench, lambda tx: tx.backtests.add(job))
    assert read(bench, lambda tx: tx.backtests.find(job.id)) == job


@every_example
@given(
    job=backtests, owner=words, at=instants, until=instants, tally=maybe_json, report=maybe_json, error=words
)
def test_how_far_a_backtest_is(
    bench: Bench, job: Backtesting, owner: str, at: Any, until: Any, tally: Any, report: Any, error: str
) -> None:
    running = replace(job, state=JobState.RUNNING, owner=owner, total=9, read=3, cursor="dec_3", tally=tally)

    def unit(tx: Any) -> None:
        tx.backtests.add(job)
        assert tx.backtests.claim(job, owner, at, until)
        assert tx.backtests.keep(running, until)

    kept(bench, unit)
    found = read(bench, lambda tx: tx.backtests.find(job.id))
    assert found == replace(running, lease_until=until)
    over = replace(found, state=JobState.DONE, report=report, error=error, finished_at=at)
    assert kept(bench, lambda tx: tx.backtests.finish(over))
    ended = read(bench, lambda tx: tx.backtests.find(job.id))
    assert ended == replace(over, owner=ended.owner, tally=ended.tally, lease_until=None)


@every_example
@given(endpoint=endpoints, changed=endpoints, secret=raw, former_until=later, second=raw)
def test_a_webhook(
    bench: Bench, endpoint: Endpoint, changed: Endpoint, secret: bytes, former_until: Any, second: bytes
) -> None:
    kept(bench, lambda tx: tx.endpoints.add(replace(endpoint, disabled=None), secret, 5))
    assert read(bench, lambda tx: tx.endpoints.find(endpoint.id)) == replace(endpoint, disabled=None)
    other = replace(changed, id=endpoint.id, created_at=endpoint.created_at, version=0)
    saved = kept(bench, lambda tx: tx.endpoints.save(other))
    assert read(bench, lambda tx: tx.endpoints.find(endpoint.id)) == saved
    kept(bench, lambda tx: tx.endpoints.rotate(endpoint.id, second, former_until))
    assert read(bench, lambda tx: tx.endpoints.signing(endpoint.id, NOON)).secrets == (second, secret)
    assert read(bench, lambda tx: tx.endpoints.cursor(endpoint.id)) == 5


@every_example
@given(delivery=deliveries)
def test_a_delivery(bench: Bench, delivery: Delivery) -> None:
    kept(bench, lambda tx: tx.deliveries.add_all([delivery]))
    found = read(bench, lambda tx: tx.deliveries.find(delivery.id))
    assert found == replace(delivery, number=found.number)
