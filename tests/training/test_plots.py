"""A picture with a pair of bars for every set."""

import pytest
from PIL import Image

from training.plots import bar_pairs


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "sets.png"
    bar_pairs(["a", "b", "c"], [0.9, 0.2, 0.5], [0.1, 0.6, 0.5], path)
    return opened(path)


def opened(path):
    with Image.open(path) as image:
        return image.convert("RGB")


def colours(image):
    return {colour for count, colour in image.getcolors(1 << 20) if count > 500}


def test_both_kinds_of_bars_are_drawn(picture):
    assert {(11, 110, 99), (184, 180, 167)} <= colours(picture)


def test_more_sets_make_a_taller_picture(tmp_path, picture):
    path = tmp_path / "many.png"
    bar_pairs([str(i) for i in range(40)], [0.5] * 40, [0.4] * 40, path)
    assert opened(path).height > 2 * picture.height


def test_the_name_decides_the_format(tmp_path):
    path = tmp_path / "sets.svg"
    bar_pairs(["a"], [0.9], [0.1], path)
    assert "<svg" in path.read_text()
