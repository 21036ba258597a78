"""Reading a data folder, and what it says of a broken one."""

import json

import pytest

from training.data import DataError, Pair, read_nli, read_schemas, read_texts


def test_label_sets_are_read_with_their_views(data_folder):
    schemas = read_schemas(data_folder)
    mood = schemas["mood"]
    assert mood.names == ("happy", "sad", "angry")
    assert mood.is_single
    assert mood.wordings[0][0].description == "glad, cheerful"
    assert mood.wordings[1][2].name == "furious mood"
    assert not schemas["written/parcel"].is_single


def test_texts_name_their_labels_by_index(data_folder):
    texts = read_texts(data_folder, read_schemas(data_folder))
    assert [text.yes for text in texts] == [(0,), (1,), (2,), (0, 1, 2), (3,), ()]
    assert texts[4].maybe == (4,)


def test_nli_pairs_are_grouped_by_premise(data_folder):
    groups = read_nli(data_folder)
    assert groups["A dog sleeps."] == [Pair("An animal rests.", True), Pair("A dog runs.", False)]
    assert len(groups) == 2


def test_a_folder_without_nli_has_no_pairs(data_folder):
    (data_folder / "nli.jsonl").unlink()
    assert read_nli(data_folder) == {}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 7: not JSON"),
        ('{"schema": "mood", "text": "x", "yes": ["bored"]}', "line 7: unknown schema or label"),
        ('{"schema": "weather", "text": "x", "yes": []}', "line 7: unknown schema or label"),
        ('{"schema": "mood", "yes": []}', "line 7: .*missing field"),
    ],
)
def test_a_bad_text_is_named_by_its_line(data_folder, line, says):
    with (data_folder / "texts.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=says):
        read_texts(data_folder, read_schemas(data_folder))


@pytest.mark.parametrize(
    "change", [{"mode": "both"}, {"views": [[{"name": "only one"}]]}, {"labels": "happy"}, {"labels": [{"title": "x"}]}]
)
def test_a_bad_label_set_is_refused(data_folder, change):
    raw = json.loads((data_folder / "schemas.json").read_text())
    raw["mood"] |= change
    (data_folder / "schemas.json").write_text(json.dumps(raw))
    with pytest.raises(DataError, match=r"schemas\.json"):
        read_schemas(data_folder)


def test_a_folder_without_label_sets_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"schemas\.json"):
        read_schemas(tmp_path)


def test_a_bad_nli_line_is_named(data_folder):
    (data_folder / "nli.jsonl").write_text('{"premise": "x"}\n')
    with pytest.raises(DataError, match="line 1"):
        read_nli(data_folder)
