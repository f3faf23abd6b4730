"""Tags of tokens that make entities: B-, I-, O and their kin."""

from __future__ import annotations

import re
from collections.abc import Iterable

MISSING, INSIDE, OUTSIDE, BEGIN = range(4)  # spaCy's values of ENT_IOB
ANY = r"(?:O|-|[BILUES]-[^\s|]+)"  # as a column of a file
KNOWN = re.compile(r"O|[BILUES]-.+")


def is_tag(label: str) -> bool:
    """Whether what should be a label is a tag of some scheme."""
    return label == "-" or KNOWN.fullmatch(label) is not None


def is_known(tag: str) -> bool:
    """Whether a tag says what its token is."""
    return KNOWN.fullmatch(tag) is not None


def tag_of(biluo: str | None) -> str:
    """The tag B-, I- or O of a token, from one in the BILUO scheme; '' for a token without."""
    if not biluo or biluo == "-":
        return ""
    return {"U": "B", "L": "I"}.get(biluo[0], biluo[0]) + biluo[1:]


def labels_of(tags: Iterable[str]) -> list[str]:
    """The labels of entities among tags B- and I-, sorted."""
    return sorted({tag[2:] for tag in tags if tag[:2] in ("B-", "I-")})


def spans_of(tags: list[str]) -> list[tuple[str, int, int]]:
    """(label, first token, last token) of each entity; IOB, IOB2, BILUO and IOBES are read."""
    from spacy.training.iob_utils import iob_to_biluo, tags_to_entities

    biluo = [re.sub("^S-", "U-", re.sub("^E-", "L-", tag)) for tag in tags]
    entities: list[tuple[str, int, int]] = tags_to_entities(iob_to_biluo(biluo))
    return entities
