"""Sentences for operators that no template holds."""

import pytest
from flask import Flask, g

from authsvc.text import fault_of_identifier
from authsvc.web.console.wording import misspelt

NAMES = ("\ud800", "\x07", "\u202e", "", "a  b", "e\u0301", "\u0301a")


@pytest.mark.parametrize(("language", "word"), [("zh", "名称"), ("en", "name")])
def test_every_fault_of_a_name_has_a_sentence_of_its_own(language: str, word: str) -> None:
    faults = [fault for fault in map(fault_of_identifier, NAMES) if fault is not None]
    with Flask("here").app_context():
        g.language = language
        sentences = {misspelt(fault) for fault in faults}
    assert len(sentences) == len(NAMES)
    assert all(word in sentence for sentence in sentences)
    assert sum("U+" in sentence for sentence in sentences) == 3
