"""Other ways of asking the same, on a handful of texts."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from nli_tagger import LabelSet
from nli_tagger.bundle import default_model
from training.label_sets import labelled_sets
from training.robustness import (
    IRRELEVANT,
    TEMPLATES,
    WordedLabels,
    calibration_by_size,
    main,
    measure,
    variants,
    wrongly_tagged,
)

LABELS = LabelSet.of(["lateDelivery", "damaged"], {"damaged": "broken or torn"}, "message")


@pytest.fixture
def sets(data_folder):
    return list(labelled_sets(data_folder, 10))


@pytest.mark.parametrize(
    ("variant", "first"),
    [
        ("snake_case", "late_delivery"),
        ("Title Case", "Late Delivery"),
        ("lower case", "late delivery"),
        ("as served", "lateDelivery"),
    ],
)
def test_labels_are_written_in_other_ways(variant, first):
    assert variants()[variant](LABELS).names[0] == first


def test_descriptions_and_text_type_can_be_left_out():
    assert variants()["without descriptions"](LABELS).descriptions == ("", "")
    assert variants()["without text type"](LABELS).text_type is None


def test_fifty_labels_are_added_after_the_own_ones():
    asked = variants()["with 50 irrelevant labels"](LABELS)
    assert asked.names[:2] == LABELS.names
    assert len(asked.names) == len(asked.descriptions) == len(set(asked.names)) == 52


def test_a_full_set_is_not_made_too_large():
    full = LabelSet.of([f"label {i}" for i in range(180)])
    assert len(variants()["with 50 irrelevant labels"](full).names) == 200


def test_the_irrelevant_labels_are_all_different():
    assert len(set(IRRELEVANT)) == len(IRRELEVANT) >= 120


def test_a_template_is_filled_in():
    asked = WordedLabels(LABELS.names, LABELS.descriptions, LABELS.text_type, "This {type} is about {label}.")
    assert asked.hypotheses == (
        "This message is about late Delivery.",
        "This message is about damaged: broken or torn.",
    )


def test_labels_in_other_templates_are_other_questions():
    asked = [WordedLabels(LABELS.names, LABELS.descriptions, None, template) for template in TEMPLATES]
    assert len(set(asked)) == len(TEMPLATES)


def test_every_variant_is_measured_and_irrelevant_labels_change_nothing(tagger, sets):
    measured = dict(measure(tagger, sets))
    assert set(measured) == set(variants())
    assert all(0 <= score <= 1 for score in measured.values())
    assert measured["with 50 irrelevant labels"] == measured["as served"]


def test_texts_without_a_label_are_found(tagger, sets):
    assert wrongly_tagged(tagger, sets) in (0.0, 1.0)  # there is one such text


def test_calibration_is_measured_at_every_size(tagger, sets):
    errors = calibration_by_size(tagger, sets, (2, 64))
    assert list(errors) == [2, 64]
    assert all(0 <= error <= 1 for error in errors.values())


def test_the_command_writes_its_figures(data_folder, tmp_path):
    report = tmp_path / "report.json"
    result = CliRunner().invoke(main, [str(default_model()), "--data", str(data_folder), "--json", str(report)])
    assert result.exit_code == 0, result.output
    figures = json.loads(report.read_text())
    templates = [score for name, score in figures["scores"].items() if name.startswith("template")]
    assert figures["deviation over templates"] == pytest.approx(np.std(templates))
