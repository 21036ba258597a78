"""The Tagger on the embedded model."""

from support import NEWS, NEWS_LABELS


def test_labels_come_back_highest_first_with_four_decimals(tagger):
    found = tagger.tag(NEWS, NEWS_LABELS, threshold=0).labels
    confidences = [scored.confidence for scored in found]
    assert confidences == sorted(confidences, reverse=True)
    assert all(confidence == round(confidence, 4) for confidence in confidences)
    assert {scored.label for scored in found} == set(NEWS_LABELS)
