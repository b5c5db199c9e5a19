"""A corpus is CSV, JSON, JSON Lines or a folder, and says on which line it is none."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from authsvc.biometric.words import Modality
from authsvc.errors import InvalidRequest
from authsvc.lab.corpus import FIELDS, Sample, read_corpus

ROWS = [
    {"path": "1.jpg", "label": "bona_fide", "subject": "ann", "session": "monday"},
    {"path": "clip", "label": "print", "subject": "bob", "instrument": "A4, laser"},
    {"path": "2.jpg", "label": "attack", "subject": "bob", "species": "screen"},
    {"path": "s/1.wav", "label": "bona_fide", "subject": "安妮", "modality": "voice"},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("corpus")
    for name in ("clip", "s"):
        (made / name).mkdir()
    for name in ("1.jpg", "2.jpg", "s/1.wav"):
        (made / name).touch()
    return made


def written(form: str) -> str:
    if form == "json":
        return json.dumps(ROWS, indent=1, ensure_ascii=False)
    if form == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in ROWS)
    quoted = [[f'"{row.get(field, "")}"' for field in FIELDS] for row in ROWS]
    return "\n".join([",".join(FIELDS), *map(",".join, quoted)]) + "\n"


def kept(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_three_forms_say_the_same(folder: Path) -> None:
    found = [read_corpus(kept(folder, f"list.{form}", written(form))) for form in ("csv", "json", "jsonl")]
    assert found[0].samples == found[1].samples == found[2].samples
    samples = found[0].samples
    assert [each.species for each in samples] == [None, "print", "screen", None]
    assert samples[1] == Sample(folder / "clip", "print", "bob", instrument="A4, laser")
    assert found[0].of(Modality.VOICE) == (samples[3],)
    assert {each.licence for each in found} == {"not stated"}
    assert len({each.digest for each in found}) == 3


def test_a_folder_is_a_corpus_by_its_layout(tmp_path: Path) -> None:
    for name in ("ann/bona_fide", "ann/print/a4", "bob/screen"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ann/bona_fide/1.jpg").touch()
    (tmp_path / "bob/screen/1.jpg").touch()
    (tmp_path / "LICENSE").write_text("CC0")
    found = read_corpus(tmp_path)
    assert [(each.subject, each.species, each.path.name) for each in found.samples] == [
        ("ann", None, "1.jpg"),
        ("ann", "print", "a4"),
        ("bob", "screen", "1.jpg"),
    ]
    assert found.licence == "see `LICENSE`"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label,subject\n", "lists no samples"),
        ("", "lists no samples"),
        ("path,label\n1.jpg,print\n", "line 1: there is no column `subject`"),
        ("path,label,subjekt\n", "line 1: unknown column `subjekt`"),
        ("path,label,subject,path\n", "line 1: a column stands there twice"),
        ("path,label,subject\n1.jpg,print,ann\n\nno.jpg,print,ann\n", "line 4: there is no `no.jpg`"),
        ("path,label,subject\n1.jpg,print,\n", "line 2: expected"),
        ("path,label,subject\n1.jpg,print\n", "line 2: 2 fields, and the header has 3"),
        ("path,label,subject\n1.jpg,attack,ann\n", "line 2: an attack needs its `species`"),
        ("path,label,subject\n../1.jpg,print,ann\n", "line 2: `../1.jpg` leads out"),
        ("path,label,subject\n/etc/passwd,print,ann\n", "line 2: `/etc/passwd` leads out"),
        (
            "path,label,subject\n1.jpg,print,ann\n1.jpg,print,bob\n",
            "line 3: `1.jpg` stands on line 2 already",
        ),
        ('path,label,subject\n1.jpg,"print,ann\n', "line 2"),
        ('path,label,subject\n"1.jpg","print","an\nn"\n', "line 2: `subject`"),
        ("path,label,subject,modality\n1.jpg,print,ann,gait\n", "line 2: `gait` is no modality"),
        ("path,label,subject,species\n1.jpg,bona_fide,ann,print\n", "line 2: bona fide, and of the species"),
        (b"path,label,subject\n1.jpg,print,a\xffn\n", "line 2: this is not UTF-8"),
    ],
)
def test_a_table_that_is_none_says_where(folder: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_corpus(kept(folder, "broken.csv", text))
    assert said in refused.value.detail


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1"),
        ('"abc"', "line 1: expected a list"),
        ("[]", "lists no samples"),
        ("[1]", "line 1: expected an object"),
        (
            '[\n{"path": "1.jpg", "label": "print", "subject": "ann"},\n\n{"path": 7}]',
            "line 4: `path` is not text",
        ),
        ('[{"path": "1.jpg", "path": "2.jpg"}]', "line 1: a field stands there twice"),
        ("[" * 100_000, "line 1"),
    ],
)
def test_json_that_is_none_says_where(folder: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_corpus(kept(folder, "broken.json", text))
    assert said in refused.value.detail


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"cannot read `no\.csv`"):
        read_corpus(tmp_path / "no.csv")


def test_five_hundred_kinds_of_damage_are_an_error_with_its_line_or_a_correct_run(folder: Path) -> None:
    chance, refused = random.Random(16), 0
    for number in range(500):
        form = ("csv", "json", "jsonl")[number % 3]
        damaged = written(form).encode()
        for _ in range(chance.randint(1, 3)):
            damaged = _damaged(damaged, chance)
        file = kept(folder, f"damaged.{form}", damaged)
        error = _refusal_or_a_correct_run(file, folder)
        if error is not None:
            refused += 1
            assert re.search(r"`damaged\.\w+`(, line \d+: | lists no samples)", error), error
            assert "\n" not in error
            _within(error, damaged)
    assert 100 < refused < 500


def _refusal_or_a_correct_run(file: Path, folder: Path) -> str | None:
    try:
        samples = read_corpus(file).samples
    except InvalidRequest as error:
        return error.detail
    _is_correct(samples, folder)
    return None


def _within(detail: str, content: bytes) -> None:
    """A line that is named is one of the file."""
    named = re.search(r", line (\d+): ", detail)
    assert named is None or 1 <= int(named[1]) <= content.count(b"\n") + content.count(b"\r") + 1


def _is_correct(samples: tuple[Sample, ...], folder: Path) -> None:
    assert samples
    assert len({each.path for each in samples}) == len(samples)
    for each in samples:
        assert each.path.exists()
        assert each.path.is_relative_to(folder)
        assert each.subject == each.subject.strip() != ""
        assert each.species is None or each.species.strip()


def _damaged(content: bytes, chance: random.Random) -> bytes:
    at, to = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    lines = content.split(b"\n")
    odd = [
        b"\x00",
        b"\xff\xfe",
        b'"',
        b"\n",
        b"\r",
        b",",
        b"{",
        b"]",
        b"\\u0000",
        b"../",
        b"\xe2\x80\xae",
        b"null",
        b"1e999",
    ]
    return chance.choice(
        [
            lambda: content[:at],
            lambda: content[:at] + content[to:],
            lambda: content[:at] + chance.choice(odd) + content[at:],
            lambda: content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :],
            lambda: content[:at] + content[at:to] * 2 + content[to:],
            lambda: b"\n".join(chance.sample(lines, len(lines))),
            lambda: b"\n".join([*lines, chance.choice(lines)]),
            lambda: content.replace(b"bona_fide", chance.choice([b"", b"attack", b"BONA_FIDE", b"print"])),
            lambda: content.replace(
                b"1.jpg", chance.choice([b"2.jpg", b"no.jpg", b"/etc/passwd", b".", b""])
            ),
            lambda: content.replace(b"\n", b"\r\n"),
            lambda: b"\xef\xbb\xbf" + content,
            lambda: content.decode("utf-8", "replace").encode("utf-16"),
            lambda: content + b"\n" * chance.randint(1, 5),
            lambda: content.replace(b"subject", chance.choice([b"path", b"subjects", b"", b"x" * 400])),
        ]
    )()
