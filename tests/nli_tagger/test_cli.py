"""Command `nli-tagger tag`."""

import json

import pytest
from click.testing import CliRunner
from support import NEWS, NEWS_LABELS

from nli_tagger import __version__
from nli_tagger.cli import main

PENALTIES = "The goalkeeper saved two penalties"


def run(*arguments, **options):
    return CliRunner().invoke(main, ["tag", *arguments], **options)


def answer(*arguments, **options) -> dict[str, float]:
    """Confidence by label, of a run with --json."""
    result = run(*arguments, "--json", **options)
    assert result.exit_code == 0, result.output
    return {scored["label"]: scored["confidence"] for scored in json.loads(result.output)["labels"]}


def expected(tagger, *arguments, **options) -> dict[str, float]:
    return {scored.label: scored.confidence for scored in tagger.tag(*arguments, **options).labels}


def test_a_text_is_tagged_with_labels_separated_by_commas(tagger):
    found = answer(NEWS, "--labels", "politics, technology,finance ,sports,", "--threshold", "0")
    assert found == expected(tagger, NEWS, NEWS_LABELS, threshold=0)


def test_single_labels_may_hold_commas_and_join_those_of_labels(tagger):
    found = answer(PENALTIES, "--labels", "politics", "-l", "football, rugby", "-l", "sports", "--threshold", "0")
    assert found == expected(tagger, PENALTIES, ["politics", "football, rugby", "sports"], threshold=0)


def test_descriptions_and_text_type_reach_the_model(tagger):
    arguments = ["-l", "a", "-l", "b", "-d", "a=Ball games = sports", "-d", " b =Elections", "--text-type", "tweet"]
    descriptions = {"a": "Ball games = sports", "b": "Elections"}
    asked = expected(tagger, PENALTIES, ["a", "b"], descriptions, "tweet", threshold=0)
    assert answer(PENALTIES, *arguments, "--threshold", "0") == asked


def test_a_file_is_tagged(tagger, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(f"{PENALTIES} in Zürich.\n", encoding="utf-8")
    asked = expected(tagger, path.read_text(encoding="utf-8"), ["sports"], threshold=0)
    assert answer("--file", str(path), "-l", "sports", "--threshold", "0") == asked


@pytest.mark.parametrize("dash", [[], ["-"]])
def test_standard_input_is_tagged(tagger, dash):
    asked = expected(tagger, PENALTIES, ["sports"], threshold=0)
    assert answer(*dash, "-l", "sports", "--threshold", "0", input=PENALTIES) == asked


def test_json_holds_what_the_library_returns():
    result = json.loads(run(PENALTIES, "-l", "sports", "-l", "Fußball", "--json", "--threshold", "0").output)
    assert set(result) == {"labels", "tokens", "latency_ms"}
    assert {scored["label"] for scored in result["labels"]} == {"sports", "Fußball"}


def test_the_threshold_is_applied():
    assert answer(PENALTIES, "-l", "sports", "-l", "politics", "--threshold", "1") == {}


def test_a_table_shows_labels_confidences_and_tokens():
    result = run(PENALTIES, "-l", "sports", "-l", "politics", "--threshold", "0")
    assert result.exit_code == 0
    assert "sports" in result.output
    assert "politics" in result.output
    assert "tokens" in result.output


@pytest.mark.parametrize("label", ["[urgent] sports", "[/b] sports", "sports :smile:"])
def test_a_table_shows_labels_as_they_were_given(label):
    result = run(PENALTIES, "-l", label, "--threshold", "0")
    assert result.exit_code == 0
    assert label in result.output


def test_no_label_above_the_threshold_is_said():
    assert run(PENALTIES, "-l", "politics", "--threshold", "1").output == "No label reaches 1.\n"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([PENALTIES], "labels is empty; send at least one label"),
        ([PENALTIES, "--labels", "a,b,a"], "'a' appears more than once"),
        (["", "-l", "a"], "text is empty; send the text to tag"),
        (["-l", "a"], "text is empty; send the text to tag"),
        ([PENALTIES, "-l", "a", "-d", "b=x"], "'b', which is not one of the labels"),
        ([PENALTIES, "-l", "a", "--threshold", "1.5"], "threshold is 1.5; it must be from 0 to 1"),
        ([PENALTIES, "-l", "a", "--threshold", "nan"], "threshold is nan; it must be from 0 to 1"),
        ([PENALTIES, "-l", "a", "--model", "nowhere"], "nowhere is not a model bundle"),
        (["broken \udcff", "-l", "a"], "lone surrogate at position 7"),
    ],
)
def test_what_cannot_be_answered_is_a_message_and_exit_code_1(arguments, part):
    result = run(*arguments, input="")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert part in result.output
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([PENALTIES, "-l", "a", "-d", "no equals sign"], "must have the form LABEL=TEXT"),
        ([PENALTIES, "-l", "a", "--threshold", "high"], "'high' is not a valid float"),
        (["--file", "nowhere.txt", "-l", "a"], "'nowhere.txt' does not exist"),
        ([PENALTIES, "--file", __file__, "-l", "a"], "TEXT or --file, not both"),
        ([PENALTIES, "another", "-l", "a"], "unexpected extra argument"),
    ],
)
def test_a_wrong_call_is_a_message_with_the_usage_and_exit_code_2(arguments, part):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.output.startswith("Usage: ")
    assert part in result.output


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "latin1.txt"
    path.write_bytes("Zürich".encode("latin-1"))
    result = run("--file", str(path), "-l", "a")
    assert result.exit_code == 1
    assert result.output == "Error: The text is not UTF-8 (byte 1); convert it first.\n"


def test_input_that_is_not_utf8_is_refused():
    result = run("-l", "a", input=b"\xff")
    assert result.exit_code == 1
    assert "not UTF-8 (byte 0)" in result.output


def test_another_model_is_used(make_bundle):
    shifted = make_bundle(calibration={"scale": 1.0, "bias": 100.0})
    assert answer(PENALTIES, "-l", "politics", "--model", str(shifted)) == {"politics": 1.0}


def test_the_version_is_printed():
    assert __version__ in CliRunner().invoke(main, ["--version"]).output


def test_an_unknown_command_is_refused():
    result = CliRunner().invoke(main, ["tga"])
    assert result.exit_code == 2
    assert "No such command 'tga'" in result.output
