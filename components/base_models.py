"""What is known of the weights that a transformer begins with: of which languages they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class BaseModel:
    """Weights by their name on the hub.

    Attributes:
        language: of the texts that they were trained on, as spaCy spells it; "" of many.
        elsewhere: weights for other languages and about the same machine; "" if there are none.
        full_precision: whether float16 is too little for them.
        head_rate: how many times as fast as they a head learns, where our configs for weights of
            this size have another rate; None: that of the config.
    """

    language: str = ""
    elsewhere: str = ""
    full_precision: bool = False
    head_rate: float | None = None

    def __str__(self) -> str:
        return f"of texts in {self.language!r}" if self.language else "of about a hundred languages"


SMALL, LARGE = "intfloat/multilingual-e5-small", "xlm-roberta-base"
KNOWN = {
    "sentence-transformers/all-MiniLM-L6-v2": BaseModel("en", elsewhere=SMALL),
    "roberta-base": BaseModel("en", elsewhere=LARGE),
    # What they say of words differs less than a third as much as what MiniLM says: a standard
    # deviation of 0.12 around the mean, and of 0.39.
    SMALL: BaseModel(head_rate=80.0),
    LARGE: BaseModel(),
    "microsoft/mdeberta-v3-base": BaseModel(full_precision=True),
}
MANY = "xx"  # spaCy's language of many


@cache
def known(name: str) -> BaseModel | None:
    """What is known of weights; None if nothing is.

    Those that `spacy init config --gpu` recommends for a language are of that language.
    """
    if name in KNOWN:
        return KNOWN[name]
    from spacy.cli.init_config import RECOMMENDATIONS

    languages = {
        language
        for language, advice in RECOMMENDATIONS.items()
        for each in (advice.get("transformer") or {}).values()
        if each["name"] == name
    }
    return BaseModel(languages.pop()) if len(languages) == 1 else None


def of_another(name: str, language: str) -> BaseModel | None:
    """Weights that are known to be of another language than the texts; None for any others."""
    base = known(name)
    return base if base and base.language not in ("", language) else None


def advice(name: str, language: str) -> str:
    """What to know before weights learn from texts in a language; "" if there is nothing."""
    base = of_another(name, language)
    if base is None:
        return ""
    instead = base.elsewhere or SMALL
    return (
        f"{name} knows texts in {base.language!r}, and these are in {language!r}: it will learn "
        f"little. {COST} `language: {language}` of a phase with a training config of ours takes "
        f"{instead}; or set components.transformer.model.name."
    )


# python -m bench.entities: minilm-tokens, `spacy init config`'s network; one seed, 446 entities.
COST = (
    "With English weights 800 Danish sentences came to F 46, with spaCy's small network and no "
    "weights at all to 58, and with multilingual weights to 77."
)
