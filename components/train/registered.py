"""All functions of ours that a training config may name, for `spacy train --code`."""

from __future__ import annotations

from components.train import pieces, rates, tokens

__all__ = ["pieces", "rates", "tokens"]
