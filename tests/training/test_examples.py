"""Which labels a training example asks, and in which words."""

import random
import re
from dataclasses import replace

import pytest

from nli_tagger.hypotheses import hypothesis
from training.data import LabelledText, LabelWording, Pair, Schema
from training.examples import ExampleMaker, Habits

PLAIN = Habits(view=0, description=0, text_type=0, paraphrase=0, foreign_label=0, drop_positives=0)
NAMES = [f"label {number}" for number in range(30)]
BIG = Schema("big", "tweet", "multi", "topic", (tuple(LabelWording(name, f"about {name}") for name in NAMES),))
OTHER = Schema("other", "email", "multi", "intent", ((LabelWording("foreign"),),))
NEIGHBOURS = {"big": [[j for j in range(30) if j != i] for i in range(30)], "other": [[]]}
TEXT = LabelledText("big", "some text", yes=(3, 17), maybe=(5, 6))


def maker(**habits) -> ExampleMaker:
    return ExampleMaker({"big": BIG, "other": OTHER}, NEIGHBOURS, replace(PLAIN, **habits))


def examples(count: int = 200, **habits):
    return [maker(**habits).of_text(TEXT, random.Random(seed)) for seed in range(count)]


def test_all_positives_are_asked_and_negatives_fill_the_rest():
    for example in examples():
        yes = {h for h, target in zip(example.hypotheses, example.targets, strict=True) if target}
        assert yes == {hypothesis("label 3"), hypothesis("label 17")}
        assert len(example.hypotheses) == PLAIN.hypotheses
        assert len(set(example.hypotheses)) == PLAIN.hypotheses


def test_open_labels_are_never_asked():
    asked = {h for example in examples() for h in example.hypotheses}
    assert hypothesis("label 5") not in asked
    assert hypothesis("label 6") not in asked


def test_half_of_the_negatives_are_neighbours_of_a_positive():
    near = {hypothesis(NAMES[i]) for i in [*range(15)]}
    shares = [sum(h in near for h in e.hypotheses) / len(e.hypotheses) for e in examples(hard_share=1.0)]
    assert min(shares) > 0.5


def test_the_same_seed_gives_the_same_example():
    assert examples(5, view=1, paraphrase=0.5) == examples(5, view=1, paraphrase=0.5)


def test_one_example_says_all_its_labels_in_the_same_way():
    for example in examples(text_type=0.5, description=0.5):
        assert len({"tweet" in h for h in example.hypotheses}) == 1
        assert len({": about" in h for h in example.hypotheses}) == 1


def test_paraphrases_use_other_sentences_for_the_same_labels():
    said = {h for example in examples(paraphrase=1) for h in example.hypotheses}
    assert "label 3" in said
    assert not any("is tagged" in h for h in said)


def test_a_foreign_label_is_a_negative():
    answers = [dict(zip(e.hypotheses, e.targets, strict=True)) for e in examples(foreign_label=1)]
    asked = [answer[hypothesis("foreign")] for answer in answers if hypothesis("foreign") in answer]
    assert len(asked) > 50
    assert not any(asked)


def test_dropped_positives_leave_a_text_to_which_nothing_applies():
    assert not any(any(example.targets) for example in examples(drop_positives=1))


def test_views_are_other_names_of_the_same_labels():
    view = tuple(LabelWording(f"name {number}") for number in range(30))
    schema = replace(BIG, wordings=(*BIG.wordings, view))
    made = ExampleMaker({"big": schema, "other": OTHER}, NEIGHBOURS, replace(PLAIN, view=1.0))
    example = made.of_text(TEXT, random.Random(1))
    yes = {h for h, target in zip(example.hypotheses, example.targets, strict=True) if target}
    assert yes == {hypothesis("name 3"), hypothesis("name 17")}


@pytest.mark.parametrize(("mode", "labels", "doubt"), [("single", 30, 0.7), ("single", 3, 0), ("multi", 30, 0)])
def test_only_negatives_of_large_single_label_sets_are_in_doubt(mode, labels, doubt):
    schema = Schema("big", "tweet", mode, "topic", (BIG.wordings[0][:labels],))
    near = {"big": [[j for j in range(labels) if j != i] for i in range(labels)]}
    example = ExampleMaker({"big": schema}, near, PLAIN).of_text(
        LabelledText("big", "text", yes=(1,)), random.Random(1)
    )
    assert example.doubt == doubt


@pytest.mark.parametrize("count", [1, 3, 20])
def test_nli_pairs_are_said_as_they_stand(count):
    pairs = [Pair(f"claim {number}", number % 2 == 0) for number in range(count)]
    example = maker().of_premise("premise", pairs, random.Random(1))
    assert len(example.hypotheses) == min(count, PLAIN.hypotheses)
    for claim, target in zip(example.hypotheses, example.targets, strict=True):
        assert Pair(claim, target) in pairs


def second(**fields):
    return LabelledText(**{"schema": "big", "text": "another text", "yes": (6, 20), "maybe": (7, 17)} | fields)


def asked_yes(example):
    return {h for h, target in zip(example.hypotheses, example.targets, strict=True) if target}


def test_texts_read_as_one_have_the_labels_of_each():
    for seed in range(50):
        example = maker().of_several([TEXT, second()], random.Random(seed))
        assert asked_yes(example) <= {hypothesis(f"label {n}") for n in (3, 6, 17, 20)}
        assert hypothesis("label 5") not in example.hypotheses
        assert hypothesis("label 7") not in example.hypotheses
        assert re.fullmatch(r"some text(?: |\n|\n\n)another text", example.premise)


def test_a_label_that_one_text_has_is_not_open_because_of_the_other():
    example = maker().of_several([TEXT, second()], random.Random(1))
    assert {hypothesis("label 6"), hypothesis("label 17")} <= asked_yes(example)


def test_a_buried_text_keeps_its_labels_and_doubts_the_others():
    example = maker().of_buried(TEXT, ["It rains.", "Buy bread."], random.Random(1))
    assert sorted(re.split(r"\s+(?=[sIB])", example.premise)) == ["Buy bread.", "It rains.", "some text"]
    assert asked_yes(example) == {hypothesis("label 3"), hypothesis("label 17")}
    assert example.doubt == PLAIN.buried_doubt


def test_a_buried_text_stands_anywhere():
    fillers = ["It rains.", "Buy bread."]
    places = {maker().of_buried(TEXT, fillers, random.Random(seed)).premise.index("some") for seed in range(50)}
    assert len(places) > 2


@pytest.mark.parametrize(
    ("family", "mode", "labels", "chance"),
    [
        ("topic", "single", 4, PLAIN.joined),
        ("sentiment", "single", 3, 0.0),  # positive and negative exclude each other
        ("tagging", "multi", 3, PLAIN.joined_tags),
        ("sentiment", "multi", 12, 0.0),  # verdicts outweigh each other
    ],
)
def test_only_labels_that_add_up_are_joined(family, mode, labels, chance):
    wording = tuple(LabelWording(f"label {i}") for i in range(labels))
    assert maker().join_chance(Schema("s", "text", mode, family, (wording,))) == chance
