"""The chain: every entry is tied to the one before, every head is signed, no secret gets in."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authsvc.audit.chain import NOTHING, Entry, Head, Link, extend, sign_head
from authsvc.keys.keyring import KeyRing, Purpose
from tests.audit.samples import ALICE, START, chained, entry

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "audit-chain-v1.json").read_text())


def test_a_link_carries_the_hash_of_the_one_before():
    first, second = chained("web-1", 2)
    assert (first.seq, first.previous) == (1, NOTHING)
    assert (second.seq, second.previous) == (2, first.hash)


def test_published_links_hash_as_they_did():
    head = Head(VECTORS["chain"])
    for vector in VECTORS["links"]:
        said = vector["entry"]
        made = Entry(datetime.fromisoformat(said["at"]), said["actor"], said["action"], ALICE, said["object"],
                     said["result"], said["details"])  # fmt: skip
        link = extend(head, made)
        assert (link.body, link.hash) == (vector["body"], vector["hash"])
        head = link.head()


def test_every_part_of_a_link_is_in_its_hash():
    link = chained("web-1", 2)[-1]
    assert link.adds_up()
    for change in (
        {"chain": "web-2"},
        {"seq": 3},
        {"previous": "1" * 64},
        {"body": link.body.replace("challenge_required", "approved")},
        {"hash": "2" * 64},
    ):
        assert not replace(link, **change).adds_up()


@pytest.mark.parametrize(
    "change",
    [{"seq": -1}, {"seq": 2**64}, {"previous": "x"}, {"previous": "00" * 31}, {"body": "\ud800"}],
)
def test_what_cannot_be_a_link_does_not_add_up(change: dict[str, Any]):  # Any: a part of a link.
    assert not replace(chained("web-1", 1)[0], **change).adds_up()


def test_the_name_of_a_chain_cannot_be_moved_into_its_number():
    one = Link("b", 1, NOTHING, "{}", "")
    assert {replace(one, chain=chain).adds_up() for chain in ("", "b", "ab")} == {False}
    assert extend(Head("ab"), entry()).hash != extend(Head("a"), entry()).hash


def test_an_entry_says_who_did_what_to_whom_and_when():
    body = json.loads(entry(1, ip="203.0.113.7").body())
    assert body == {
        "actor": "client:shop",
        "action": "decision:made",
        "at": "2026-03-01T12:00:01.000Z",
        "details": {"ip": "203.0.113.7"},
        "object": "dec_1",
        "result": "challenge_required",
        "subject": {"client": "shop", "user": "alice"},
    }
    assert json.loads(replace(entry(), subject=None).body())["subject"] is None


@pytest.mark.parametrize(
    "key",
    ["secret", "code", "token", "template", "vector", "frame", "password", "frames", "otp_code", "deviceSecret",
     "API_TOKEN", "recovery-codes", "face.template", "private_key", "privateKey", "embedding"],
)  # fmt: skip
def test_an_entry_with_a_secret_is_refused_at_any_depth(key: str):
    for details in ({key: "x"}, {"proofs": [{"otp": {key: "x"}}]}, {"a": 1, key: {"b": 2}}):
        with pytest.raises(ValueError, match="names a secret") as refusal:
            extend(Head("web-1"), entry(1, **details))
        assert '"x"' not in str(refusal.value)


@pytest.mark.parametrize("before", ["", ":", '":', '"', "\\", '\\"', '","', '{"', '":"', '":{'])
def test_an_entry_with_a_secret_is_refused_whatever_stands_before_it(before: str):
    for details in ({"a": before, "code": 1}, {before: 1, "code": 2}, {"a": [before, {"code": before}]}):
        with pytest.raises(ValueError, match="names a secret"):
            extend(Head("web-1"), entry(1, **details))


@pytest.mark.parametrize(
    "key", ["template_digest", "token_id", "barcode", "encoder", "codec", "framework", "keys"]
)
def test_what_is_merely_about_a_secret_is_kept(key: str):
    assert extend(Head("web-1"), entry(1, **{key: "x"})).adds_up()


def test_text_that_looks_like_a_secret_is_only_text():
    spoken = ['{"code":"1"}', '"secret":', "password", 'token":']
    assert json.loads(entry(1, reasons=spoken).body())["details"]["reasons"] == spoken


def test_what_is_no_json_is_refused():
    with pytest.raises(ValueError, match="canonical"):
        extend(Head("web-1"), entry(1, picture=b"\xff\xd8"))


def test_a_signed_head_checks_with_its_key_and_no_other():
    ring = KeyRing.create()
    signed = sign_head(chained("web-1", 1)[0].head(), START, ring.audit_signing_key())
    assert signed.is_signed_by(ring.audit_public_keys())
    assert not signed.is_signed_by(KeyRing.create().audit_public_keys())
    other = KeyRing.create().audit_public_keys().popitem()[1]
    assert not signed.is_signed_by({signed.key_id: other})
    ring.rotate(Purpose.AUDIT)
    assert signed.is_signed_by(ring.audit_public_keys())


def test_every_part_of_a_head_is_signed():
    ring = KeyRing.create()
    signed = sign_head(chained("web-1", 2)[-1].head(), START, ring.audit_signing_key())
    keys = ring.audit_public_keys()
    for head in ({"chain": "web-2"}, {"seq": 1}, {"hash": "1" * 64}, {"hash": "short"}, {"seq": -1}):
        assert not replace(signed, head=replace(signed.head, **head)).is_signed_by(keys)
    assert not replace(signed, at=START + timedelta(milliseconds=1)).is_signed_by(keys)
    for index in range(64):
        spoiled = bytearray(signed.signature)
        spoiled[index] ^= 1
        assert not replace(signed, signature=bytes(spoiled)).is_signed_by(keys)
    assert not replace(signed, signature=b"").is_signed_by(keys)


def test_the_time_of_a_head_is_signed_to_the_millisecond_that_is_stored():
    ring = KeyRing.create()
    at = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    signed = sign_head(Head("web-1", 1, "1" * 64), at, ring.audit_signing_key())
    assert replace(signed, at=at.replace(microsecond=123000)).is_signed_by(ring.audit_public_keys())
