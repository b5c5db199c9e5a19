"""The words of warnings: shipped in both languages, replaced piece by piece, and refused with the place of what is wrong."""

from pathlib import Path

import pytest

from authsvc.errors import ConfigurationError
from authsvc.policy.warning_texts import LARGEST_FILE, shipped_texts, texts_of
from authsvc.policy.warnings import Scam


@pytest.mark.parametrize("kind", Scam)
def test_every_kind_has_words_in_both_languages(kind: Scam):
    text = shipped_texts().text(kind)
    assert set(text) == {"zh-CN", "en"}
    assert all(text[language]["question"]["asks"] for language in text)


def test_a_file_replaces_what_it_has_and_changes_the_digest(tmp_path: Path):
    file = tmp_path / "words.toml"
    file.write_text(
        '[question.en]\nasks = "Who?"\nown_decision = "I"\nasked = "They"\nunsure = "?"\n', "utf-8"
    )
    own = texts_of(file)
    assert own.text("refund")["en"]["question"]["asks"] == "Who?"
    assert own.text("refund")["zh-CN"] == shipped_texts().text("refund")["zh-CN"]
    assert own.digest("refund") != shipped_texts().digest("refund")
    assert texts_of(None) is shipped_texts()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[kinds.refnd.en]\nheading = 'x'\nsentences = ['y']", "kinds.refnd"),
        ("[kinds.refund.fr]\nheading = 'x'\nsentences = ['y']", "kinds.refund.fr"),
        ("[kinds.refund.en]\nheading = ''\nsentences = ['y']", "kinds.refund.en.heading"),
        ("[kinds.refund.en]\nheading = 'x'\nsentences = []", "kinds.refund.en.sentences"),
        ("[kinds", "is not TOML"),
        ("#" * (LARGEST_FILE + 1), "is larger than"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, text: str, said: str):
    file = tmp_path / "words.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=said.replace(".", r"\.")):
        texts_of(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        texts_of(tmp_path / "none.toml")
