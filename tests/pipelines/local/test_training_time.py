"""How long a training will take: from an earlier one here, else from what was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from thinc.api import Config

from pipelines.config.languages import NAME
from pipelines.config.shipped import shipped_config
from pipelines.local.training_time import (
    UNKNOWN,
    WORDS_PER_SECOND,
    Before,
    Training,
    expected,
    network_of,
)

SHIPPED = sorted(path.stem for path in shipped_config("cnn").parent.glob("*.cfg"))


def training(name: str, **changed: Any) -> Training:
    text = shipped_config(name).read_text(encoding="utf-8")
    return Training(name, Config().from_str(text, interpolate=False), changed, (1000, 300))


@pytest.mark.parametrize("name", SHIPPED)
def test_there_is_a_figure_for_every_config_that_comes_with_retrain(name: str) -> None:
    said = expected(training(name), None, 2, "")
    assert said.startswith("roughly ")
    assert "at most, for 1,000 steps of about 300 words" in said
    ends = ", or 1,600 after the best score" in said
    assert ends == ("patience = 1600" in shipped_config(name).read_text(encoding="utf-8"))


def test_start_and_evaluations_are_told_beside_the_steps() -> None:
    # 300,000 words at 1,500 of one core, a tenth more for evaluations, and 6 s besides.
    assert expected(training("minilm-tokens"), None, 1, "").startswith("roughly 3 min 46 s at most")
    assert expected(training("minilm-tokens"), None, 2, "").startswith("roughly 116 s at most")


def test_weights_of_many_languages_take_longer() -> None:
    changed = {NAME: "intfloat/multilingual-e5-small"}
    said = expected(training("minilm-tokens", **changed), None, 1, "")
    # 300,000 words at 720 of one core, a tenth more for evaluations, and 6 s besides.
    assert said.startswith("roughly 7 min 44 s at most")
    assert expected(training("roberta-tokens", **changed), None, 1, "") == UNKNOWN


def test_what_was_measured_is_not_said_of_a_gpu_or_of_other_weights() -> None:
    own = training("minilm-tokens")
    assert expected(own, None, 2, "T4") == UNKNOWN
    assert expected(replace(own, changed={NAME: "xlm-roberta-base"}), None, 2, "") == UNKNOWN
    assert expected(replace(own, name="mine.cfg"), None, 2, "") == UNKNOWN
    assert expected(replace(own, length=None), None, 2, "") == UNKNOWN


def test_an_earlier_run_of_the_same_network_says_how_fast_this_machine_is() -> None:
    own = training("minilm-tokens")
    before = Before("r1", 700, network_of(own.config), words=150_000, looping=600)
    said = expected(own, before, 2, "T4")
    # 100 s of start, and 300,000 words instead of 150,000.
    assert said.startswith("roughly 21 min 40 s at most, for 1,000 steps")
    assert said.endswith(", as fast as run r1; the last one took 11 min 40 s in run r1")
    took = "the last one took 11 min 40 s in run r1"
    assert expected(replace(own, length=None), before, 2, "") == took
    other = replace(before, network=network_of(training("cnn").config))
    table = expected(own, None, 2, "")
    assert expected(own, other, 2, "") == f"{table}; {took}, with another network"
    assert expected(own, replace(before, network=None), 2, "T4").startswith(f"{took}, perhaps")
    like = replace(before, run="r2")
    said = expected(own, None, 2, "T4", like)
    assert said.startswith("roughly 21 min 40 s at most") and said.endswith(", as fast as run r2")
    said = expected(own, other, 2, "", like)
    assert said.endswith(", as fast as run r2; the last one took 11 min 40 s in run r1")


def test_figures_are_of_configs_that_are_there() -> None:
    assert sorted(WORDS_PER_SECOND) == SHIPPED
