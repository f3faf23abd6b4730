"""What every start on a cluster pulls stays small."""

from __future__ import annotations

import pytest

from pipelines.local.engines import find_engine
from scripts.images import STARTS, last_layer, unpacked


def test_the_image_of_most_stages_is_small() -> None:
    assert unpacked(find_engine(), "retrain-cpu") < 600e6


@pytest.mark.parametrize("image", STARTS)
def test_a_change_of_our_code_sends_little(image: str) -> None:
    assert last_layer(find_engine(), f"retrain-{image}") < 2e6
