"""Tags of tokens that make entities: those of IOB, IOB2, BILUO, IOBES and BMES."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MISSING, INSIDE, OUTSIDE, BEGIN = range(4)  # spaCy's values of ENT_IOB
PREFIX = "[BILUESMbiluesm]"
TAG = re.compile(rf"[Oo]|{PREFIX}[-_]\S+")  # as files write them
PROPER = re.compile(r"[O-]|[BILUES]-.+")
AS_BILUO = {"S": "U", "E": "L", "M": "I"}


def is_tag(label: str) -> bool:
    """Whether what should be a label is a tag of some scheme."""
    return PROPER.fullmatch(label) is not None


def tag_of(biluo: str | None) -> str:
    """The tag B-, I- or O of a token, from one in the BILUO scheme; '' for a token without."""
    if not biluo or biluo == "-":
        return ""
    return {"U": "B", "L": "I"}.get(biluo[0], biluo[0]) + biluo[1:]


def labels_of(tags: Iterable[str]) -> list[str]:
    """The labels of entities among tags B- and I-, sorted."""
    return sorted({tag[2:] for tag in tags if tag[:2] in ("B-", "I-")})


def entities_of(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """(label, first token, last token) of each entity in tags as files write them."""
    from spacy.training.iob_utils import iob_to_biluo, tags_to_entities

    entities: list[tuple[str, int, int]] = tags_to_entities(iob_to_biluo([*map(biluo, tags)]))
    return entities


def biluo(tag: str) -> str:
    """A tag in the spelling of BILUO."""
    prefix = tag[0].upper()
    return "O" if prefix == "O" else f"{AS_BILUO.get(prefix, prefix)}-{tag[2:]}"
