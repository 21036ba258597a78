"""A label set's limits, and what its errors say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nli_tagger import InputError, LabelSet
from nli_tagger.labels import MAX_DESCRIPTION_CHARACTERS, MAX_TEXT_TYPE_CHARACTERS


def refusal(labels, descriptions=None, text_type=None) -> InputError:
    with pytest.raises(InputError) as refused:
        LabelSet.of(labels, descriptions, text_type)
    return refused.value


@pytest.mark.parametrize("count", [1, 2, 200])
def test_one_to_two_hundred_labels_are_accepted(count):
    names = [f"label {number}" for number in range(count)]
    assert LabelSet.of(names).names == tuple(names)


def test_more_than_two_hundred_labels_are_refused():
    error = refusal([f"label {number}" for number in range(201)])
    assert error.field == "labels"
    assert "201 entries" in error.message
    assert "at most 200" in error.message


def test_a_label_of_one_hundred_characters_is_accepted():
    assert LabelSet.of(["x" * 100]).names == ("x" * 100,)


def test_white_space_around_a_label_does_not_count():
    assert LabelSet.of([" " + "x" * 100 + " "]).names == (" " + "x" * 100 + " ",)


def test_a_longer_label_is_refused_with_its_beginning_and_a_way_out():
    error = refusal(["fine", "long" * 25 + "x"])
    assert error.field == "labels"
    assert "longlong" in error.message
    assert "101 characters" in error.message
    assert "at most 100" in error.message
    assert "Shorten it and move the details to descriptions" in error.message


@pytest.mark.parametrize("labels", [["a", "a"], ["a", "b", " a"], ["a b", "a b  "]])
def test_labels_that_are_equal_after_trimming_are_refused(labels):
    error = refusal(labels)
    assert error.field == "labels"
    assert f"{labels[0]!r} appears more than once" in error.message


def test_labels_that_differ_in_case_are_different():
    assert LabelSet.of(["Sports", "sports"]).names == ("Sports", "sports")


@pytest.mark.parametrize(
    ("labels", "part"),
    [
        ([], "send at least one label"),
        ([""], "empty label; remove it"),
        (["a", " "], "empty label; remove it"),
        (["\u2003"], "empty label; remove it"),
        ("sports", "must be a list of strings"),
        ({"sports"}, "must be a list of strings"),
        ({"sports": "ball games"}, "must be a list of strings"),
        (None, "must be a list of strings"),
        (7, "must be a list of strings"),
        (["a", 7], "not int"),
        (["a", None], "not NoneType"),
        ([["a"]], "not list"),
        (["a\x00"], "control character U+0000 at position 1; remove it"),
        (["two\nlines"], "control character U+000A at position 3; remove it"),
        (["tab\t"], "control character U+0009 at position 3; remove it"),
        (["a\ud800"], "lone surrogate at position 1; send valid Unicode"),
    ],
)
def test_what_is_no_list_of_labels_is_refused(labels, part):
    error = refusal(labels)
    assert error.field == "labels"
    assert part in error.message


@pytest.mark.parametrize(
    ("descriptions", "part"),
    [
        ({"politics": "Elections"}, "'politics', which is not one of the labels"),
        ({"Sports": "Ball games"}, "'Sports', which is not one of the labels"),
        ({"sports": 7}, "not int"),
        ({"sports": None}, "not NoneType"),
        ({7: "seven"}, "not int"),
        ({"sports": "a\x00"}, "control character U+0000 at position 1; remove it"),
        ({"sports": "a\udc00"}, "lone surrogate at position 1; send valid Unicode"),
        (["sports"], "must be an object from label to description"),
        ("sports", "must be an object from label to description"),
        ({"sports": "x" * (MAX_DESCRIPTION_CHARACTERS + 1)}, "description of 'sports' has 401 characters; at most 400"),
    ],
)
def test_what_describes_no_label_is_refused(descriptions, part):
    error = refusal(["sports"], descriptions)
    assert error.field == "descriptions"
    assert part in error.message


def test_a_description_of_four_hundred_characters_is_accepted():
    longest = "x" * MAX_DESCRIPTION_CHARACTERS
    assert LabelSet.of(["sports"], {"sports": longest}).descriptions == (longest,)


def test_descriptions_run_parallel_to_the_labels():
    labels = LabelSet.of(["a", "b", "c"], {"c": "third", "a": "first"})
    assert labels.descriptions == ("first", "", "third")


def test_a_description_finds_its_label_and_is_stored_without_white_space_around_it():
    assert LabelSet.of([" sports"], {"sports ": " Ball\n games "}).descriptions == ("Ball\n games",)


@pytest.mark.parametrize(
    ("text_type", "part"),
    [
        (7, "not int"),
        (["email"], "not list"),
        ("two\nlines", "control character U+000A at position 3; remove it"),
        ("a\x00", "control character U+0000 at position 1; remove it"),
        ("a\ud800", "lone surrogate at position 1; send valid Unicode"),
        ("x" * (MAX_TEXT_TYPE_CHARACTERS + 1), "101 characters; at most 100 are allowed. Name the kind of text"),
    ],
)
def test_what_names_no_kind_of_text_is_refused(text_type, part):
    error = refusal(["sports"], text_type=text_type)
    assert error.field == "text_type"
    assert part in error.message


@pytest.mark.parametrize(
    ("given_type", "stored"), [(None, None), ("", None), ("  ", None), (" email ", "email"), ("x" * 100, "x" * 100)]
)
def test_a_text_type_is_optional_and_trimmed(given_type, stored):
    assert LabelSet.of(["sports"], text_type=given_type).text_type == stored


def test_hypotheses_run_parallel_to_the_labels_and_hold_description_and_text_type():
    labels = LabelSet.of(["sports", "late_delivery"], {"sports": "Ball games"}, "support ticket")
    assert labels.hypotheses == (
        "This support ticket is tagged sports: Ball games.",
        "This support ticket is tagged late delivery.",
    )


def test_equal_label_sets_are_one_key():
    assert len({LabelSet.of(["a", "b"], {"a": "x"}), LabelSet.of(("a", "b"), {"a": "x"})}) == 1
    assert len({LabelSet.of(["a", "b"]), LabelSet.of(["b", "a"]), LabelSet.of(["a", "b"], text_type="email")}) == 3


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20), min_size=1, max_size=20)
)
def test_labels_are_kept_as_given_or_refused(names):
    acceptable = all(name.strip() for name in names) and len({name.strip() for name in names}) == len(names)
    if acceptable:
        assert LabelSet.of(names).names == tuple(names)
    else:
        assert refusal(names).field == "labels"
