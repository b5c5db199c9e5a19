"""The verifier: a log that was touched anywhere is found out, and where."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from authsvc.audit.chain import NOTHING, Head, Link, extend, sign_head
from authsvc.audit.checkpoint import take_checkpoint
from authsvc.audit.report import CHECKPOINTS, Fault, Report
from authsvc.audit.verifier import verify
from authsvc.keys.keyring import KeyRing, Purpose
from tests.audit.samples import START, Log, chained, entry, sample_log


@pytest.fixture
def log() -> Log:
    return sample_log()


def check(log: Log, **more: object) -> Report:
    return verify(log.links, log.heads, log.checkpoints, log.ring.audit_public_keys(), **more)  # type: ignore[arg-type]  # only `kept`.


def found(report: Report) -> set[tuple[Fault, str, int]]:
    return {(each.fault, each.chain, each.seq) for each in report.findings}


def test_an_untouched_log_is_sound(log: Log):
    report = check(log)
    assert report.is_sound
    assert (report.links, report.heads, report.checkpoints) == (15, 5, 2)
    assert report.chains == {"a": 9, "b": 6}


def test_chains_may_come_one_after_the_other_and_heads_in_any_order(log: Log):
    log.links.sort(key=lambda link: link.chain)
    log.heads.reverse()
    assert check(log).is_sound


def test_a_log_signed_by_several_keys_is_sound(log: Log):
    log.ring.rotate(Purpose.AUDIT)
    log.commit("a", 2)
    log.checkpoint()
    assert check(log).is_sound


def test_a_log_without_entries_shows_nothing():
    report = verify([], [], [], {})
    assert found(report) == {(Fault.EMPTY, "", 0)}


def test_an_edited_entry_is_found(log: Log):
    at = log.index("a", 4)
    log.links[at] = replace(log.links[at], body=log.links[at].body.replace("challenge_required", "approved"))
    assert found(check(log)) == {(Fault.EDITED, "a", 4)}


def rehashed(link: Link) -> Link:
    return extend(Head(link.chain, link.seq - 1, link.previous), entry(99))


def test_an_edited_entry_with_a_fitting_hash_is_found_by_its_successor(log: Log):
    at = log.index("a", 7)
    log.links[at] = rehashed(log.links[at])
    assert found(check(log)) == {(Fault.EDITED, "a", 8)}


def test_an_edited_last_entry_with_a_fitting_hash_is_found_by_the_signed_head(log: Log):
    at = log.index("a", 9)
    log.links[at] = rehashed(log.links[at])
    assert found(check(log)) == {(Fault.EDITED, "a", 9)}


def test_a_chain_written_anew_from_an_entry_on_is_found_by_every_signature_after_it(log: Log):
    others = [link for link in log.links if link.chain == "b"]
    kept = [link for link in log.links if link.chain == "a"][:3]
    log.links = others + kept + [*_forged("a", 6, kept[-1].head())]
    assert found(check(log)) == {(Fault.EDITED, "a", 5), (Fault.EDITED, "a", 9)}


def _forged(chain: str, count: int, head: Head) -> list[Link]:
    links = []
    for number in range(count):
        links.append(extend(head, entry(100 + number)))
        head = links[-1].head()
    return links


def test_a_missing_entry_is_found(log: Log):
    del log.links[log.index("a", 2)]
    del log.links[log.index("b", 5)]
    assert found(check(log)) == {(Fault.MISSING, "a", 2), (Fault.MISSING, "b", 5)}


def test_a_missing_beginning_is_found(log: Log):
    log.links = [link for link in log.links if link.chain == "b" or link.seq > 4]
    assert found(check(log)) == {(Fault.MISSING, "a", 1)}


def test_a_gap_that_was_closed_by_renumbering_is_found(log: Log):
    del log.links[log.index("b", 2)]
    log.links = [
        replace(link, seq=link.seq - 1) if (link.chain, link.seq) > ("b", 2) else link for link in log.links
    ]
    faults = found(check(log))
    assert (Fault.EDITED, "b", 2) in faults
    assert (Fault.TRUNCATED, "b", 6) in faults


def test_a_cut_off_tail_is_found_by_its_signed_head(log: Log):
    log.links = [link for link in log.links if link.chain == "b" or link.seq <= 7]
    assert found(check(log)) == {(Fault.TRUNCATED, "a", 8)}


def test_a_tail_cut_off_with_its_head_is_found_by_the_checkpoint(log: Log):
    log.links = [link for link in log.links if link.chain == "a" or link.seq <= 4]
    log.heads = [signed for signed in log.heads if signed.head.chain == "a" or signed.head.seq <= 4]
    assert found(check(log)) == {(Fault.CHECKPOINT_AHEAD, "b", 5)}


def test_a_tail_cut_off_with_head_and_checkpoint_is_found_by_who_kept_the_checkpoint(log: Log):
    kept = log.checkpoints.pop()
    log.links = [link for link in log.links if link.seq <= 4 and (link.chain, link.seq) != ("a", 4)]
    log.heads = log.heads[:2]
    assert check(log).is_sound
    assert found(check(log, kept=[kept])) == {
        (Fault.CHECKPOINT_MISSING, CHECKPOINTS, 2),
        (Fault.CHECKPOINT_AHEAD, "a", 4),
        (Fault.CHECKPOINT_AHEAD, "b", 5),
    }


def test_a_chain_that_vanished_is_found(log: Log):
    log.links = [link for link in log.links if link.chain == "a"]
    assert found(check(log)) == {(Fault.TRUNCATED, "b", 1), (Fault.CHECKPOINT_AHEAD, "b", 1)}


def test_swapped_entries_are_found(log: Log):
    one, other = log.index("a", 7), log.index("a", 8)
    log.links[one], log.links[other] = log.links[other], log.links[one]
    assert found(check(log)) == {(Fault.REORDERED, "a", 7)}


def test_a_reversed_chain_is_found_entry_by_entry(log: Log):
    log.links.sort(key=lambda link: (link.chain, -link.seq))
    report = check(log)
    assert found(report) == {
        *((Fault.REORDERED, "a", seq) for seq in range(1, 9)),
        *((Fault.REORDERED, "b", seq) for seq in range(1, 6)),
    }


def test_a_repeated_entry_is_found(log: Log):
    log.links.append(log.links[0])
    assert found(check(log)) == {(Fault.REPEATED, "a", 1)}


def test_a_fork_is_found(log: Log):
    log.links.append(rehashed(log.links[log.index("a", 8)]))
    assert found(check(log)) == {(Fault.REPEATED, "a", 8)}


@pytest.mark.parametrize("seq", [0, -5])
def test_a_number_that_no_entry_has_is_found(log: Log, seq: int):
    log.links.append(Link("a", seq, NOTHING, "{}", NOTHING))
    assert (Fault.REPEATED, "a", seq) in found(check(log))


def test_a_gap_as_wide_as_can_be_costs_nothing(log: Log):
    log.links.append(Link("a", 2**63, NOTHING, "{}", NOTHING))
    assert (Fault.MISSING, "a", 10) in found(check(log))


def test_a_foreign_chain_is_found(log: Log):
    log.links += chained("x", 3)
    assert found(check(log)) == {(Fault.FOREIGN_CHAIN, "x", 3)}


def test_a_foreign_chain_with_its_own_signature_is_found(log: Log):
    log.links += chained("x", 3)
    log.heads.append(sign_head(log.end("x"), START, KeyRing.create().audit_signing_key()))
    assert found(check(log)) == {(Fault.FOREIGN_CHAIN, "x", 3), (Fault.BAD_SIGNATURE, "x", 3)}


def test_entries_after_the_last_signature_are_found(log: Log):
    log.links += chained("a", 2, log.end("a"))
    assert found(check(log)) == {(Fault.UNSIGNED, "a", 10)}


@pytest.mark.parametrize(
    "change",
    [
        lambda signed: replace(signed, at=signed.at + timedelta(seconds=1)),
        lambda signed: replace(signed, key_id="other"),
        lambda signed: replace(signed, signature=bytes(64)),
        lambda signed: replace(signed, signature=b""),
    ],
)
def test_a_head_with_a_bad_signature_is_found(log: Log, change: Callable):
    log.heads[0] = change(log.heads[0])
    assert found(check(log)) == {(Fault.BAD_SIGNATURE, "a", 3)}


def test_two_signed_heads_that_contradict_each_other_are_found(log: Log):
    log.heads.append(sign_head(Head("a", 3, "1" * 64), START, log.key))
    assert found(check(log)) == {(Fault.EDITED, "a", 3)}


def test_a_missing_checkpoint_is_found(log: Log):
    del log.checkpoints[0]
    assert found(check(log)) == {(Fault.CHECKPOINT_MISSING, CHECKPOINTS, 1)}


def test_a_changed_checkpoint_is_found(log: Log):
    first = log.checkpoints[0]
    log.checkpoints[0] = replace(first, body=first.body.replace('"seq":3', '"seq":2'))
    assert found(check(log)) == {(Fault.BAD_SIGNATURE, CHECKPOINTS, 1), (Fault.EDITED, CHECKPOINTS, 2)}


def test_a_checkpoint_signed_anew_is_found_by_the_one_after_it(log: Log):
    kept = log.checkpoints[0]
    log.checkpoints[0] = take_checkpoint(None, [Head("a"), Head("b")], START, log.key)
    assert found(check(log)) == {(Fault.EDITED, CHECKPOINTS, 2)}
    assert (Fault.EDITED, CHECKPOINTS, 1) in found(check(log, kept=[kept]))


def test_a_checkpoint_that_forgets_a_chain_is_found(log: Log):
    log.checkpoints.append(take_checkpoint(log.checkpoints[-1], [log.end("a")], START, log.key))
    assert found(check(log)) == {(Fault.TRUNCATED, "b", 6)}


def test_a_signed_checkpoint_that_is_none_is_found(log: Log):
    log.checkpoints[1] = replace(log.checkpoints[1], seq=3)
    assert (Fault.EDITED, CHECKPOINTS, 3) in found(check(log))


def test_a_repeated_checkpoint_is_found(log: Log):
    log.checkpoints.append(log.checkpoints[-1])
    assert found(check(log)) == {(Fault.REPEATED, CHECKPOINTS, 2)}


def test_checkpoints_that_were_kept_and_are_there_change_nothing(log: Log):
    assert check(log, kept=list(log.checkpoints)).is_sound


def test_no_random_damage_goes_unseen():
    chance = random.Random(20260301)
    for _ in range(300):
        log = sample_log()
        damage = _damage(chance, log)
        assert not check(log).is_sound, damage


def _damage(chance: random.Random, log: Log) -> str:
    at = chance.randrange(len(log.links))
    link = log.links[at]
    match chance.randrange(5):
        case 0:
            del log.links[at]
            return f"{link} deleted"
        case 1:
            log.links[at] = rehashed(link)
            return f"{link} replaced"
        case 2:
            log.links.insert(chance.randrange(len(log.links)), link)
            return f"{link} repeated"
        case 3:
            spoiled = chance.randrange(len(link.body))
            log.links[at] = replace(link, body=link.body[:spoiled] + "~" + link.body[spoiled + 1 :])
            return f"{link} spoiled at {spoiled}"
        case _:
            log.links[at] = replace(link, chain="b" if link.chain == "a" else "a")
            return f"{link} moved to the other chain"
