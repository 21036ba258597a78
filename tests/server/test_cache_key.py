"""Two questions share a key exactly when nothing that decides a score differs."""

import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nli_tagger import LabelSet
from nli_tagger.hypotheses import hypothesis
from server import cache_key as module
from server.cache_key import cache_key

TRICKY = st.text('",[]{}:\\ ab0\n\t\x85\u00a0\u3000', max_size=8)
"""Few characters, those of JSON among them, so that one part can look like the beginning of the next."""
READABLE = st.text(st.characters(exclude_categories=["C"]), max_size=12)
WORDS = READABLE | TRICKY.map(lambda text: re.sub(r"[\n\t]", " ", text))
LABELS = st.lists(WORDS.filter(str.strip), min_size=1, max_size=4, unique_by=str.strip)


@st.composite
def questions(draw):
    """(model, labels, version, text) as plain values, from few enough that two often agree in most of them."""
    labels = draw(LABELS)
    described = draw(st.dictionaries(st.sampled_from(labels), WORDS, max_size=len(labels)))
    model, version = draw(st.sampled_from(["", "m", "mm"])), draw(st.sampled_from(["", "m", "1", "12"]))
    return model, labels, described, draw(st.none() | WORDS), version, draw(READABLE | TRICKY)


def key_of(model, labels, described, text_type, version, text):
    return cache_key(model, LabelSet.of(labels, described, text_type), version, text)


def meaning(model, labels, described, text_type, version, text):
    """What decides the scores, in a form that can be compared."""
    descriptions = {label.strip(): words.strip() for label, words in described.items() if words.strip()}
    return model, {label.strip() for label in labels}, descriptions, (text_type or "").strip(), version, text


@given(questions(), questions())
def test_two_questions_share_a_key_exactly_when_they_mean_the_same(one, other):
    assert (key_of(*one) == key_of(*other)) == (meaning(*one) == meaning(*other))


@pytest.mark.parametrize("part", [0, 3, 4, 5], ids=["model", "text type", "version", "text"])
@given(questions(), questions())
def test_a_question_that_differs_in_one_part_has_another_key(part, one, other):
    changed = (*one[:part], other[part], *one[part + 1 :])
    assert (key_of(*one) == key_of(*changed)) == (meaning(*one) == meaning(*changed))


@given(questions(), WORDS)
def test_a_label_that_is_described_otherwise_has_another_key(question, words):
    model, labels, described, *rest = question
    changed = model, labels, described | {labels[0]: words}, *rest
    assert (key_of(*question) == key_of(*changed)) == (meaning(*question) == meaning(*changed))


@given(questions(), st.randoms(use_true_random=False))
def test_the_order_of_the_labels_does_not_matter(question, random):
    model, labels, *rest = question
    shuffled = random.sample(labels, len(labels))
    assert key_of(model, shuffled, *rest) == key_of(*question)


@given(questions(), st.text(" \u00a0\u3000", max_size=3), st.text(" \u00a0\u3000", max_size=3))
def test_white_space_around_labels_does_not_matter(question, before, after):
    model, labels, described, *rest = question
    padded = [f"{before}{label}{after}" for label in labels]
    assert key_of(model, padded, described, *rest) == key_of(*question)


@given(questions(), st.text(" \u00a0\u3000", max_size=3))
def test_what_shares_a_key_is_asked_in_the_same_words(question, space):
    _, labels, described, text_type, *_ = question
    plain = LabelSet.of(labels, described, text_type)
    padded = LabelSet.of([space + label for label in reversed(labels)], described, text_type)
    assert sorted(padded.hypotheses) == sorted(plain.hypotheses)


@given(LABELS, st.text(string.ascii_letters, min_size=2, max_size=8), st.integers(1, 7))
def test_where_a_part_ends_matters(labels, letters, cut):
    """The same letters, divided in another way among version and text, model and version, description and type."""
    assume(cut < len(letters))
    one, other, label = letters[:cut], letters[cut:], labels[0]
    divided = [
        key_of("", labels, {}, None, one, other),
        key_of("", labels, {}, None, letters, ""),
        key_of("", labels, {}, None, "", letters),
        key_of(one, labels, {}, None, other, ""),
        key_of(letters, labels, {}, None, "", ""),
        key_of("", labels, {label: one}, other, "", ""),
        key_of("", labels, {label: letters}, None, "", ""),
        key_of("", labels, {}, letters, "", ""),
    ]
    assert len(set(divided)) == len(divided)


ALIKE = [
    ["a", "b"],
    ["a,b"],
    ["a b"],
    ["ab"],
    ['a","b'],
    ["a", "b", "ab"],
    ['a"],["b'],
    ["A", "b"],
    ["a\u0301"],
    ["\u00e1"],
]


def test_label_sets_that_look_alike_have_keys_of_their_own():
    assert len({key_of("m", labels, {}, None, "", "text") for labels in ALIKE}) == len(ALIKE)


@given(st.text(st.characters(categories=["Cs"]), min_size=1))
def test_a_text_that_is_no_unicode_has_a_key_too(surrogates):
    assert len(key_of("m", ["a"], {}, None, "", surrogates)) == 64


def test_a_key_is_64_hexadecimal_characters_and_always_the_same():
    key = key_of("model", ["a", "b"], {"a": "first"}, "ticket", "version", "text")
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert key == key_of("model", ["a", "b"], {"a": "first"}, "ticket", "version", "text")


@pytest.mark.parametrize(("name", "value"), [("__version__", "0.0.0"), ("TEMPLATE_VERSION", 0)])
def test_another_version_of_the_code_has_other_keys(monkeypatch, name, value):
    before = key_of("m", ["a"], {}, None, "", "text")
    monkeypatch.setattr(module, name, value)
    assert key_of("m", ["a"], {}, None, "", "text") != before


def test_labels_that_are_asked_in_the_same_words_may_have_keys_of_their_own():
    """The names come back in the answer, so they are told apart even where the model reads the same."""
    assert hypothesis("refund_request") == hypothesis("refund request")
    keys = {key_of("m", [label], {}, None, "", "text") for label in ("refund_request", "refund request")}
    assert len(keys) == 2
