"""spaCy's tokeniser for a language, without the rest of a pipeline."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

from components.errors import ConfigError
from components.piecewise import piecewise


def tokenise(text: str, language: str) -> list[tuple[int, int]]:
    """Where each token of a text begins and ends, in characters."""
    doc = tokeniser(language)(text)
    return [(token.idx, token.idx + len(token)) for token in doc]


@cache
def tokeniser(language: str) -> Any:
    """The tokeniser that `spacy.blank(language)` has: text -> Doc.

    A whole `Language` would import every installed pipeline component, and so torch and
    transformers, several seconds for stages that need neither.

    Raises:
        ConfigError: spaCy has none, or needs a package that is not installed.
    """
    from spacy.util import get_lang_class, registry
    from spacy.vocab import create_vocab

    try:
        language_class = get_lang_class(language)
        config = {"tokenizer": language_class.default_config["nlp"]["tokenizer"]}
        create = registry.resolve(config)["tokenizer"]
        vocab = create_vocab(language, language_class.Defaults)
        blank = SimpleNamespace(lang=language, vocab=vocab, Defaults=language_class.Defaults)
        return piecewise(create(blank))
    except (ImportError, OSError) as error:
        reason = str(error).rstrip(".")
        raise ConfigError(
            f"language: spaCy has no tokeniser for {language!r} here: {reason}. Install what it "
            "needs, or set the language to zh, which takes each character for a token."
        ) from None
