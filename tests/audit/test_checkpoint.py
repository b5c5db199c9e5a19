"""Checkpoints: all heads at once, each over the one before."""

import json
from dataclasses import replace

import pytest

from authsvc.audit.chain import NOTHING, Head
from authsvc.audit.checkpoint import Checkpoint, take_checkpoint
from authsvc.errors import Tampered
from authsvc.keys.keyring import KeyRing
from tests.audit.samples import START

HEADS = (Head("web-2", 4, "2" * 64), Head("web-1", 7, "1" * 64))


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.create()


@pytest.fixture
def first(ring: KeyRing) -> Checkpoint:
    return take_checkpoint(None, HEADS, START, ring.audit_signing_key())


def test_a_checkpoint_says_where_every_chain_stood(first: Checkpoint):
    statement = first.statement()
    assert (statement.seq, statement.at, statement.previous) == (1, START, NOTHING)
    assert statement.heads == tuple(sorted(HEADS, key=lambda head: head.chain))


def test_the_order_of_the_heads_does_not_matter(ring: KeyRing, first: Checkpoint):
    assert take_checkpoint(None, reversed(HEADS), START, ring.audit_signing_key()) == first


def test_a_checkpoint_carries_the_hash_of_the_one_before(ring: KeyRing, first: Checkpoint):
    second = take_checkpoint(first, HEADS, START, ring.audit_signing_key())
    assert (second.seq, second.statement().previous) == (2, first.hash)


def test_a_changed_checkpoint_is_not_signed(ring: KeyRing, first: Checkpoint):
    keys = ring.audit_public_keys()
    assert first.is_signed_by(keys)
    assert not replace(first, body=first.body.replace('"seq":7', '"seq":6')).is_signed_by(keys)
    assert not replace(first, body="\ud800").is_signed_by(keys)
    assert not first.is_signed_by(KeyRing.create().audit_public_keys())


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", "\x00", json.dumps({"seq": 1}), json.dumps({"seq": 1, "at": "x", "previous": "", "heads": []}),
     json.dumps({"seq": 1, "at": 7, "previous": "", "heads": [{}]}), json.dumps({"seq": 2, "heads": []})],
)  # fmt: skip
def test_what_is_no_checkpoint_is_not_read(body: str):
    with pytest.raises(Tampered, match="cannot be read"):
        Checkpoint(1, body, "k", b"").statement()
