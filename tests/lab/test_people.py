"""Folders of people as they really lie about, and tables of groups."""

import os
from pathlib import Path

import pytest

from authsvc.errors import InvalidRequest
from authsvc.lab.people import read_groups, read_people


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "ann/1.jpg", "ann/2.JPEG", "ann/later/3.png", "bob/1.png", "bob/notes.txt", "张三/1.jpg",
        "empty/readme.md", "index.csv", "stray.jpg",
    ):  # fmt: skip
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return tmp_path


def test_a_person_is_a_folder_with_pictures_somewhere_in_it(folder):
    people = read_people(folder)
    assert [person.name for person in people] == ["ann", "bob", "张三"]
    assert {file.name for file in people[0].files} == {"1.jpg", "2.JPEG", "3.png"}
    assert [file.name for file in people[1].files] == ["1.png"]


def test_what_systems_leave_lying_about_is_no_photograph(folder):
    for name in ("ann/.hidden.jpg", "ann/._1.jpg", ".trash/9.jpg", "__MACOSX/ann/1.jpg", "bob/.git/2.jpg"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    people = read_people(folder)
    assert [(person.name, len(person.files)) for person in people] == [("ann", 3), ("bob", 1), ("张三", 1)]


def test_names_need_not_be_text_and_dead_links_are_nothing(tmp_path):
    for name in (b"caf\xe9/a\xff.jpg", b"two words/line\nbreak.PNG", b"two words/b.WebP"):
        file = tmp_path / os.fsdecode(name)
        file.parent.mkdir(exist_ok=True)
        file.touch()
    (tmp_path / "two words" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert sorted(len(person.files) for person in read_people(tmp_path)) == [1, 2]


def test_people_are_found_below_folders_that_only_wrap_them(tmp_path):
    for name in ("release/images/ann/1.jpg", "release/images/bob/1.jpg", "readme.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert [person.name for person in read_people(tmp_path)] == ["ann", "bob"]


def test_one_person_with_sessions_is_not_taken_for_several(tmp_path):
    for name in ("ann/monday/1.jpg", "ann/portrait.jpg"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    with pytest.raises(InvalidRequest, match="two people at least"):
        read_people(tmp_path)


def test_the_order_of_files_is_arbitrary_and_always_the_same(tmp_path):
    for name in range(20):
        for person in "ab":
            (tmp_path / person).mkdir(exist_ok=True)
            (tmp_path / person / f"{name:02}.jpg").touch()
    one, other = read_people(tmp_path)
    names = [file.name for file in one.files]
    assert names == [file.name for file in other.files]
    assert names != sorted(names)
    assert sorted(names) == [f"{number:02}.jpg" for number in range(20)]


def test_folders_can_be_left_out_but_only_those_that_are_there(folder):
    assert [person.name for person in read_people(folder, exclude=["bob"])] == ["ann", "张三"]
    with pytest.raises(InvalidRequest, match="`bobb`"):
        read_people(folder, exclude=["bobb"])


def test_one_person_is_nobody_to_compare_with(folder):
    with pytest.raises(InvalidRequest, match="two people at least"):
        read_people(folder, exclude=["ann", "bob"])


def table(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "groups.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_each_column_is_a_grouping_and_an_empty_cell_is_no_group(tmp_path):
    file = table(tmp_path, "\ufeffperson,age,sex\nann,young,f\nbob,,m\n")
    assert read_groups(file) == {"age": {"ann": "young"}, "sex": {"ann": "f", "bob": "m"}}


@pytest.mark.parametrize(
    "text", ["", "person\nann\n", "person,age\nann\n", "person,age\nann,1\nann,2\n", "person,age\nann,1,2\n"]
)
def test_a_table_that_is_none_is_refused(tmp_path, text):
    with pytest.raises(InvalidRequest, match=r"groups\.csv"):
        read_groups(table(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "groups.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidRequest, match="cannot read groups"):
        read_groups(tmp_path / "groups.csv")
