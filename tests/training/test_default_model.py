"""The recipe end to end on a small data folder, and its plan."""

import json
import random
from dataclasses import replace

import pytest
from click.testing import CliRunner

from nli_tagger import Tagger
from training.data import LabelWording, Schema, read_nli, read_schemas, read_texts
from training.default_model import __main__ as recipe
from training.default_model import release
from training.default_model.mix import Mix, is_held_out, plan
from training.evaluate import main as evaluate
from training.examples import ExampleMaker, Habits


@pytest.fixture
def maker(data_folder) -> ExampleMaker:
    schemas = read_schemas(data_folder)
    return ExampleMaker(schemas, recipe.label_neighbours(schemas), Habits())


def test_the_plan_draws_every_set_and_the_nli_premises(maker, data_folder):
    drawn = plan(maker, read_texts(data_folder, maker.schemas), read_nli(data_folder), Mix(), seed=1)
    counts = {"mood": 3, "written/parcel": 3 * Mix().written_repeats, None: 2}
    found = [job[0].schema if job[0] else None for job in drawn.jobs]
    assert {key: found.count(key) for key in counts} == counts


def test_an_example_of_the_plan_is_the_same_each_time(maker, data_folder):
    drawn = plan(maker, read_texts(data_folder, maker.schemas), read_nli(data_folder), Mix(), seed=1)
    order = list(range(len(drawn.jobs)))
    first = [drawn.example(i) for i in order]
    random.Random(0).shuffle(order)
    assert all(drawn.example(i) == first[i] for i in order)


def drawn_from(maker, data_folder, **habits):
    maker.habits = replace(maker.habits, **habits)
    return plan(maker, read_texts(data_folder, maker.schemas), read_nli(data_folder), Mix(), seed=1)


def test_short_texts_are_joined_with_others_of_their_set(maker, data_folder):
    drawn = drawn_from(maker, data_folder, joined_tags=1.0)
    places = [i for i, (text, _) in enumerate(drawn.jobs) if text and text.schema == "written/parcel"]
    assert all(len(drawn.example(i).premise) > len(drawn.jobs[i][0].text) for i in places)


def test_short_texts_are_buried_among_texts_of_another_kind(maker, data_folder):
    drawn = drawn_from(maker, data_folder, joined_tags=0.0, buried=1.0)
    place = next(i for i, (text, _) in enumerate(drawn.jobs) if text and text.schema == "written/parcel")
    own, premise = drawn.jobs[place][0].text, drawn.example(place).premise
    assert own in premise
    assert any(filler in premise for family, filler in drawn.fillers if family == "nli")


def test_long_texts_stay_alone(maker, data_folder):
    drawn = drawn_from(maker, data_folder, joined=1.0, joined_tags=1.0, buried=1.0)
    place = next(i for i, (text, _) in enumerate(drawn.jobs) if text)
    long = replace(drawn.jobs[place][0], text="A very long story. " * 60)
    drawn.jobs[place] = (long, None)
    assert drawn.example(place).premise == long.text


def test_fillers_never_colour_a_text(maker, data_folder):
    drawn = drawn_from(maker, data_folder)
    schema = maker.schemas["written/parcel"]
    feelings = {text for family, text in drawn.fillers if family == "emotion"}
    found = {filler for seed in range(200) for filler in drawn._fillers(schema, random.Random(seed))}
    assert feelings
    assert found
    assert not found & feelings


def test_held_out_sets_are_written_ones_and_few(maker):
    written = [f"written/family/{number}" for number in range(2000)]
    schema = maker.schemas["written/parcel"]
    share = sum(is_held_out(type(schema)(**vars(schema) | {"id": name})) for name in written) / len(written)
    assert 0.03 < share < 0.07
    assert not is_held_out(maker.schemas["mood"])


def test_neighbours_are_ordered_by_meaning():
    names = ("dog", "truck", "puppy", "lorry")
    animals = Schema("s", "text", "single", "topic", (tuple(LabelWording(name) for name in names),))
    near = recipe.label_neighbours({"s": animals})["s"]
    assert [len(row) for row in near] == [3] * 4
    assert [row[0] for row in near] == [2, 3, 0, 1]


def test_the_recipe_trains_releases_and_is_evaluated(data_folder, tmp_path, monkeypatch):
    """From raw JSONL to a bundle that tags, with the commands of the documentation."""
    run, bundle, report = tmp_path / "run", tmp_path / "bundle", tmp_path / "report.json"
    invoke(recipe.main, "--data", data_folder, "--output", run)
    assert json.loads((run / "recipe.json").read_text())["start"] == "all-MiniLM-L6-v2"
    monkeypatch.setattr(release, "is_held_out", lambda schema: True)
    invoke(release.main, "--run", run, "--data", data_folder, "--output", bundle)
    assert Tagger(bundle).tag("A lovely day", ["good mood", "parcel"], threshold=0).tokens > 0
    assert (bundle / "checkpoint" / "model.safetensors").exists()
    shown = invoke(evaluate, bundle, "--data", data_folder, "--texts", "3", "--json", report)
    assert "emotion" in shown
    figures = json.loads(report.read_text())
    assert {row["id"] for row in figures["sets"]} == {"mood", "written/parcel"}
    assert 0 <= figures["families"]["all"]["baseline"] <= 1


def invoke(command, *arguments) -> str:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output
