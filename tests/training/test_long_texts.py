"""Long texts made of short ones, and ways to put their windows together."""

import json
import random

import numpy as np
import pytest
from click.testing import CliRunner

from nli_tagger import LabelSet
from nli_tagger.bundle import default_model
from training.data import LabelWording, Schema
from training.label_sets import LabelledSet
from training.long_texts import (
    AGGREGATIONS,
    CASES,
    PAGES,
    everywhere,
    figures,
    last_lines,
    main,
    one_passage,
    window_logits,
)


def labelled(family, mode, names, texts):
    wording = tuple(LabelWording(name, None) for name in names)
    schema = Schema(id=family, text_type="text", mode=mode, family=family, wordings=(wording,))
    gold = np.array([[int(name == label) for name in names] for label, _ in texts], np.int8)
    return LabelledSet(schema, LabelSet.of(names), [text for _, text in texts], gold)


@pytest.fixture(scope="module")
def sets():
    return [
        labelled("topic", "single", ["sports", "food"], [("sports", "A late goal."), ("food", "Bake for an hour.")]),
        labelled("sentiment", "single", ["good", "bad"], [("good", "I loved it."), ("bad", "Never again.")]),
        labelled("dialogue", "single", ["greeting"], [("greeting", "Good morning to you.")]),
    ]


@pytest.mark.parametrize("compose", CASES.values(), ids=CASES)
def test_composed_texts_are_pages_long(sets, compose):
    composed = list(compose(sets, random.Random(1)))
    assert composed
    assert all(len(text.text) >= PAGES and text.gold.sum() == 1 for text in composed)


def test_a_topic_that_is_everywhere_has_nothing_else(sets):
    sports = next(text for text in everywhere(sets, random.Random(1)) if text.gold[0] == 1)
    assert set(sports.text.split("\n\n")) == {"A late goal."}


def test_one_passage_stands_among_texts_of_other_kinds(sets):
    composed = next(iter(one_passage(sets, random.Random(1))))
    parts = composed.text.split("\n\n")
    assert parts.count("A late goal.") == 1
    assert set(parts) == {"A late goal.", "Good morning to you."}


def test_the_verdict_comes_last(sets):
    for composed in last_lines(sets, random.Random(1)):
        assert composed.text.endswith(("I loved it.", "Never again."))


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_windows_that_agree_are_not_changed(name):
    logits = np.tile(np.array([[2.0, -3.0]]), (9, 1))
    assert AGGREGATIONS[name](logits) == pytest.approx([2.0, -3.0])


def test_aggregations_lie_between_the_mean_and_the_highest():
    logits = np.array([[4.0], [0.0], [-1.0], [-3.0]])
    found = {name: float(combine(logits)[0]) for name, combine in AGGREGATIONS.items()}
    assert found["highest"] == 4.0
    assert found["mean"] == pytest.approx(0.0)
    assert all(0.0 <= value <= 4.0 for value in found.values())
    assert found["soft, 0.5"] < found["soft, 1"] < found["soft, 2"]


def test_figures_count_pairs_and_first_places():
    scored = [(np.array([[3.0, -3.0]]), np.array([1, 0])), (np.array([[3.0, -3.0]]), np.array([0, 1]))]
    found = figures(scored, AGGREGATIONS["mean"])
    assert found.micro_f1 == pytest.approx(0.5)
    assert found.first_is_right == 0.5


def test_the_served_aggregation_is_what_the_tagger_gives(tagger, sets):
    text = next(iter(everywhere(sets, random.Random(1))))
    combined = AGGREGATIONS["served"](window_logits(tagger, text))
    assert combined == pytest.approx(tagger.score(text.text, text.labels).logits, abs=1e-5)


def test_the_command_compares_on_a_folder(data_folder, tmp_path):
    report = tmp_path / "report.json"
    arguments = [str(default_model()), "--data", str(data_folder), "--texts", "2", "--json", str(report)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert set(json.loads(report.read_text())["cases"]) == set(CASES)
