"""Label sets as evaluation and calibration see them."""

import numpy as np

from training.label_sets import labelled_sets, score_texts


def by_id(folder, **options):
    return {found.schema.id: found for found in labelled_sets(folder, 10, **options)}


def test_gold_marks_yes_no_and_open(data_folder):
    parcel = by_id(data_folder)["written/parcel"]
    rows = dict(zip(parcel.texts, parcel.gold.tolist(), strict=True))
    assert rows["Came early, lovely wrapping."] == [0, 0, 0, 1, -1]
    assert rows["See you on Monday."] == [0, 0, 0, 0, 0]


def test_single_label_texts_without_a_label_are_left_out(data_folder):
    with (data_folder / "texts.jsonl").open("a") as file:
        file.write('{"schema": "mood", "text": "Hm.", "yes": []}\n')
    assert "Hm." not in by_id(data_folder)["mood"].texts


def test_labels_carry_text_type_and_descriptions(data_folder):
    labels = by_id(data_folder)["mood"].labels
    assert labels.text_type == "diary entry"
    assert labels.descriptions == ("glad, cheerful", "", "")
    assert by_id(data_folder, descriptions=False)["mood"].labels.descriptions == ("", "", "")


def test_a_sample_is_the_same_each_time(data_folder):
    first, second = (list(labelled_sets(data_folder, 2)) for _ in range(2))
    assert [found.texts for found in first] == [found.texts for found in second]
    assert all(len(found.texts) == 2 for found in first)


def test_scores_have_a_row_for_each_text(data_folder, tagger):
    parcel = by_id(data_folder)["written/parcel"]
    scores = score_texts(tagger, parcel)
    assert scores.shape == parcel.gold.shape
    assert np.isfinite(scores).all()
