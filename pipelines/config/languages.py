"""The language of a phase: one setting for its tokens, training config and base weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from components.base_models import KNOWN

STAGES = ("ingest", "convert")
LANG = "nlp.lang"
NAME = "components.transformer.model.name"
HEAD_RATE = "training.optimizer.head_rate"
NAMED = re.compile(r'^name = "(.+)"$', re.MULTILINE)


def with_one_language(phase: dict[str, Any]) -> dict[str, Any]:
    """A phase with its `language` in every place that asks for one.

    Raises:
        pydantic.ValidationError: at a place that says another.
    """
    language = phase.get("language")
    if not isinstance(language, str):
        return phase
    result = dict(phase)
    for stage in STAGES:
        section = phase.get(stage) or {}
        if isinstance(section, dict):
            refuse_another(language, (stage, "language"), section.get("language"))
            result[stage] = {**section, "language": language}
    train = phase.get("train")
    if isinstance(train, dict) and isinstance(changed := train.get("set") or {}, dict):
        refuse_another(language, ("train", "set", LANG), changed.get(LANG))
        result["train"] = {**train, "set": {**changed, LANG: language}}
    return result


def refuse_another(language: str, place: tuple[str, ...], said: Any) -> None:
    """Refuse another language at a place than that of the phase."""
    if said is None or said == language:
        return
    why = f"is {said!r}, and `language` of the phase {language!r}, which reaches it: leave this out"
    fault = PydanticCustomError("language", "{why}", {"why": why})
    details = InitErrorDetails(type=fault, loc=place, input={})
    raise ValidationError.from_exception_data("language", [details])


def weights_elsewhere(language: str, training_config: str, changed: Mapping[str, Any]) -> str:
    """The base weights that a training config of ours takes for a language; "" for its own.

    Args:
        training_config: its text.
        changed: what the phase sets in it.
    """
    names = [name for name in NAMED.findall(training_config) if name in KNOWN]
    if NAME in changed or len(names) != 1:
        return ""
    base = KNOWN[names[0]]
    return base.elsewhere if base.language not in ("", language) else ""


def changes_of(
    language: str, training_config: str, changed: Mapping[str, Any]
) -> dict[str, str | float]:
    """What a language changes in a training config of ours; see `weights_elsewhere`."""
    weights = weights_elsewhere(language, training_config, changed)
    rate = KNOWN[weights].head_rate if weights else None
    if rate and HEAD_RATE not in changed and "\nhead_rate = " in training_config:
        return {NAME: weights, HEAD_RATE: rate}
    return {NAME: weights} if weights else {}
