"""A list of presentations is CSV or JSON, and says where it is none."""

import pytest

from authsvc.errors import InvalidRequest
from authsvc.lab.pad_list import read_list


def test_a_list_is_csv_or_json(tmp_path):
    (tmp_path / "1.jpg").touch()
    (tmp_path / "clip").mkdir()
    csv, json = tmp_path / "list.csv", tmp_path / "list.json"
    csv.write_text("path,label,subject\n1.jpg,bona_fide,ann\nclip,print,bob\n")
    json.write_text(
        '[{"path": "1.jpg", "label": "bona_fide", "subject": "ann"},'
        ' {"path": "clip", "label": "print", "subject": "bob"}]'
    )
    assert read_list(csv) == read_list(json)
    assert [(one.path.name, one.species, one.subject) for one in read_list(csv)] == [
        ("1.jpg", None, "ann"),
        ("clip", "print", "bob"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label,subject\n", "lists no presentations"),
        ("path,label\n1.jpg,print\n", "row 1: expected `path`, `label` and `subject`"),
        ("path,label,subject\n1.jpg,print,ann\n2.jpg,print,ann\n", "row 2: there is no `2.jpg`"),
        ("path,label,subject\n1.jpg,print,\n", "row 1: expected"),
    ],
)
def test_a_list_that_is_none_says_where(tmp_path, text, said):
    (tmp_path / "1.jpg").touch()
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(InvalidRequest) as refused:
        read_list(tmp_path / "list.csv")
    assert said in refused.value.detail


@pytest.mark.parametrize("text", ["{", '"abc"', "[]", "[1]", "{}"])
def test_json_that_is_no_list_of_presentations_is_refused(tmp_path, text):
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(InvalidRequest, match=r"list\.json"):
        read_list(tmp_path / "list.json")
