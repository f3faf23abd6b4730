"""A token hears of its own word pieces alone, whatever its tokeniser does to spaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from components.train.spaces import leave_out_spaces

WORDS = ["▁Ann", "▁met", "▁B", "ob", "▁in", "▁May", "."]


def pipeline(folder: Path, pre_tokenizer: Any) -> Language:
    """A transformer with random weights whose tokeniser is SentencePiece's kind."""
    letters = [chr(code) for code in range(33, 127)]
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -9.0)]
    pieces += [(word, -1.0) for word in WORDS] + [(one, -9.0) for one in letters if one != "."]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.normalizer = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.pre_tokenizer = pre_tokenizer
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>").save_pretrained(folder)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = BertConfig(vocab_size=len(pieces), intermediate_size=8, **sizes)
    BertModel(config).save_pretrained(folder)
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer", config={"model": {"name": str(folder)}})
    nlp.initialize()
    return nlp


def heard(nlp: Language) -> list[list[str]]:
    """The pieces of each token."""
    data = nlp("Ann met Bob in May.")._.trf_data
    pieces = [piece for row in data.wordpieces.strings for piece in row]
    ends = data.align.lengths.cumsum()
    places = data.align.dataXd.ravel()
    starts = ends - data.align.lengths
    return [[pieces[at] for at in places[a:b]] for a, b in zip(starts, ends, strict=True)]


OWN = [["▁Ann"], ["▁met"], ["▁B", "ob"], ["▁in"], ["▁May"], ["."]]


def test_pieces_that_take_the_space_along_do_so_no_longer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nlp = pipeline(tmp_path / "base", pre_tokenizers.Metaspace())
    assert heard(nlp)[0] == ["▁Ann", "▁met"]
    leave_out_spaces(nlp)
    assert "took the space" in capsys.readouterr().out
    assert heard(nlp) == OWN
    nlp.to_disk(tmp_path / "saved")
    assert heard(spacy.load(tmp_path / "saved")) == OWN


def test_others_stay_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    split = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    nlp = pipeline(tmp_path / "base", split)
    leave_out_spaces(nlp)
    assert heard(nlp) == OWN
    assert capsys.readouterr().out == ""


def test_where_it_would_change_the_pieces_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nlp = pipeline(tmp_path / "base", pre_tokenizers.Metaspace(prepend_scheme="first"))
    before = heard(nlp)
    leave_out_spaces(nlp)
    assert capsys.readouterr().out.startswith("Warning: the word pieces of transformer take")
    assert heard(nlp) == before
