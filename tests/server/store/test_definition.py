"""What a version holds: every rule, and that it comes back from JSON as it was."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nli_tagger import InputError
from nli_tagger.tagger import DEFAULT_THRESHOLD
from server.store.definition import MAX_EXAMPLE_CHARACTERS, MAX_EXAMPLES, Definition, define

LABELS = ["sports", "finance"]


def refusal(field: str, labels=LABELS, **rest) -> str:
    with pytest.raises(InputError) as refused:
        define(labels, **rest)
    assert refused.value.field == field
    return refused.value.message


def test_labels_alone_are_a_definition():
    defined = define(LABELS)
    assert defined == Definition(labels=("sports", "finance"))
    assert (defined.descriptions, defined.examples, defined.text_type) == ({}, {}, None)
    assert (defined.threshold, defined.mode) == (DEFAULT_THRESHOLD, "multi")


def test_everything_is_kept():
    defined = define(LABELS, {"sports": "games"}, {"finance": ["Shares fell"]}, "headline", {"sports": 0.9}, "single")
    assert defined.descriptions == {"sports": "games"}
    assert defined.examples == {"finance": ("Shares fell",)}
    assert defined.text_type == "headline"
    assert defined.threshold == {"sports": 0.9}
    assert defined.mode == "single"


def test_white_space_around_labels_and_their_names_does_not_count():
    spaced = define(
        [" sports ", "finance\u2003"],
        {"sports\t": " games "},
        {" finance": ["Shares fell"]},
        " headline ",
        {" sports": 0.9},
    )
    assert spaced == define(LABELS, {"sports": "games"}, {"finance": ["Shares fell"]}, "headline", {"sports": 0.9})


def test_white_space_of_an_example_is_kept():
    assert define(LABELS, examples={"sports": [" a\n\tb "]}).examples == {"sports": (" a\n\tb ",)}


def test_what_is_empty_is_as_if_it_was_left_out():
    assert define(LABELS, {"sports": " "}, {"sports": []}, " ", {}) == msgspec.structs.replace(
        define(LABELS), threshold={}
    )


@pytest.mark.parametrize(
    ("labels", "part"),
    [([], "is empty"), (["a", " a"], "appears more than once"), (["a\n"], "control character"), (["a"] * 201, "201")],
)
def test_labels_keep_the_rules_of_the_library(labels, part):
    assert part in refusal("labels", labels)


@pytest.mark.parametrize(
    ("descriptions", "part"), [({"politics": "x"}, "not one of the labels"), ({"sports": "x" * 401}, "401 characters")]
)
def test_descriptions_keep_the_rules_of_the_library(descriptions, part):
    assert part in refusal("descriptions", descriptions=descriptions)


@pytest.mark.parametrize("text_type", ["x" * 101, "two\nlines", "\x00"])
def test_a_text_type_keeps_the_rules_of_the_library(text_type):
    refusal("text_type", text_type=text_type)


@pytest.mark.parametrize("given_threshold", [0, 1, 0.25, 0.0, 1.0])
def test_one_threshold_is_for_every_label(given_threshold):
    defined = define(LABELS, threshold=given_threshold)
    assert defined.least() == [given_threshold, given_threshold]
    assert isinstance(defined.threshold, float)


def test_a_label_without_a_threshold_of_its_own_has_the_default():
    assert define(["a", "b", "c"], threshold={"c": 1, "a": 0.1}).least() == [0.1, DEFAULT_THRESHOLD, 1.0]
    assert define(["a", "b"], threshold={}).least() == [DEFAULT_THRESHOLD] * 2
    assert define(["a", "b"]).least() == [DEFAULT_THRESHOLD] * 2


@pytest.mark.parametrize("wrong", [-0.001, 1.001, float("nan"), float("inf"), "0.5", True, [0.5]])
def test_a_threshold_is_a_number_from_0_to_1(wrong):
    assert "from 0 to 1" in refusal("threshold", threshold=wrong)
    assert "from 0 to 1" in refusal("threshold", threshold={"sports": 0.5, "finance": wrong})


@pytest.mark.parametrize("field", ["threshold", "examples"])
@pytest.mark.parametrize("name", ["politics", "", "Sports", "sports" * 50, "sport"])
def test_only_labels_can_be_named(field, name):
    message = refusal(field, **{field: {"sports": _value(field), name: _value(field)}})
    assert message == f"{field} names {name[:100]!r}, which is not one of the labels."


@pytest.mark.parametrize("field", ["threshold", "examples"])
def test_a_label_can_be_named_once(field):
    message = refusal(field, **{field: {"sports": _value(field), " sports": _value(field)}})
    assert message == f"{field} names 'sports' twice."


@pytest.mark.parametrize("field", ["threshold", "examples"])
def test_a_name_that_is_no_readable_text_is_refused(field):
    assert "control character" in refusal(field, **{field: {"sports\x00": _value(field)}})
    assert "lone surrogate" in refusal(field, **{field: {"sports\ud800": _value(field)}})


def _value(field):
    return 0.5 if field == "threshold" else ["a text"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty text; remove it"),
        (" \n\u2003", "empty text; remove it"),
        ("x" * (MAX_EXAMPLE_CHARACTERS + 1), f"10001 characters; at most {MAX_EXAMPLE_CHARACTERS}"),
        ("a\x00b", "control character U+0000 at position 1"),
        ("a\ud800", "lone surrogate at position 1"),
        (7, "not int"),
    ],
)
def test_an_example_is_a_readable_text_that_is_not_too_long(text, part):
    assert part in refusal("examples", examples={"sports": ["fine"], "finance": [text]})


def test_an_example_may_be_as_long_as_promised():
    longest = "x" * MAX_EXAMPLE_CHARACTERS
    assert define(LABELS, examples={"sports": [longest]}).examples == {"sports": (longest,)}


def test_the_examples_of_all_labels_together_are_limited():
    most = {"sports": ["a"] * (MAX_EXAMPLES - 1), "finance": ["b"]}
    assert sum(map(len, define(LABELS, examples=most).examples.values())) == MAX_EXAMPLES
    assert f"more than {MAX_EXAMPLES} texts" in refusal("examples", examples=most | {"finance": ["b", "c"]})


def test_the_label_set_is_what_the_library_scores():
    label_set = define(LABELS, {"finance": "money"}, text_type="headline").label_set
    assert label_set.names == ("sports", "finance")
    assert label_set.descriptions == ("", "money")
    assert label_set.text_type == "headline"


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(str.strip)


@st.composite
def definitions(draw) -> Definition:
    labels = draw(st.lists(words, min_size=1, max_size=5, unique_by=str.strip))
    of_labels = st.sampled_from(labels)
    return define(
        labels,
        draw(st.dictionaries(of_labels, words)),
        draw(st.dictionaries(of_labels, st.lists(words, max_size=3))),
        draw(st.none() | words),
        draw(st.none() | st.floats(0, 1) | st.integers(0, 1) | st.dictionaries(of_labels, st.floats(0, 1))),
        draw(st.sampled_from(["multi", "single"])),
    )


@given(definitions())
def test_a_definition_comes_back_from_json_as_it_was(defined):
    assert msgspec.json.decode(msgspec.json.encode(defined), type=Definition) == defined
    back = msgspec.convert(msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(defined))), Definition)
    assert back == defined
    assert back.least() == defined.least()
    assert back.label_set == defined.label_set


@given(definitions())
def test_defining_again_what_was_defined_changes_nothing(defined):
    again = define(
        list(defined.labels),
        defined.descriptions,
        defined.examples,
        defined.text_type,
        defined.threshold,
        defined.mode,
    )
    assert again == defined
