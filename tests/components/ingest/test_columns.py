"""Columns: which is the word and which the tag, comments, blank words, scripts without spaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.ingest.readers.detect import read
from components.records.annotation import Annotation, Item, Refused
from components.records.problems import Problems, StopReadingError
from components.records.sources import Columns, SourceFile

PLAIN = ("Ada Byron left Acme", [("Ada Byron", "PER"), ("Acme", "ORG")])


def items(folder: Path, text: str, columns: Columns | None = None) -> list[Item]:
    path = folder / "a.tsv"
    path.write_text(text, encoding="utf-8")
    return list(read(path, "a.tsv", SourceFile(str(path), "auto", columns=columns), Problems()))


def said(item: Item) -> tuple[str, list[tuple[str, str | None]]]:
    """Text and entities of an annotation."""
    assert isinstance(item, Annotation)
    return item.text, [(item.text[span.start : span.end], span.label) for span in item.spans]


@pytest.mark.parametrize(
    "text",
    [
        "1\tAda\tB-PER\tO\n2\tByron\tI-PER\tO\n3\tleft\tO\tO\n4\tAcme\tB-ORG\tO\n",
        "0 Ada NNP B-PER\n1 Byron NNP I-PER\n2 left V O\n3 Acme NNP B-ORG\n",
        "Ada NNP B-NP B-PER\nByron NNP I-NP I-PER\nleft V B-VP O\nAcme NNP B-NP B-ORG\n",
        "# id 7\tdomain=en\nAda _ _ B-PER\nByron _ _ I-PER\nleft _ _ O\nAcme _ _ B-ORG\n",
        "#\thttp://x.org [2009]\n1\tAda\tB-PER\tO\n2\tByron\tI-PER\tO\n3\tleft\tO\tO\n"
        "4\tAcme\tB-ORG\tO\n",
        "Ada\tb-per\nByron\ti-per\nleft\tO\nAcme\tb-org\n",
        "Ada\tB_PER\nByron\tI_PER\nleft\tO\nAcme\tS_ORG\n",
        "Ada B-PER\nByron E-PER\nleft O\nAcme S-ORG\n",
        "B-PER\tAda\nI-PER\tByron\nO\tleft\nB-ORG\tAcme\n",
        "Ada\tB-PER\nByron\tI-PER\n\tO\n \tO\nleft\tO\nAcme\tB-ORG\n",
        "# sent_id = 4\n# text = Ada Byron left Acme\n"
        + "".join(
            f"{n}\t{word}\t_\tX\t_\t_\t0\t_\t_\t{misc}\n"
            for n, word, misc in (
                ("1-2", "AdaByron", "_"),
                ("1", "Ada", "name=B-PER|x=1"),
                ("2", "Byron", "name=I-PER"),
                ("3", "left", "_"),
                ("4", "Acme", "SpaceAfter=No|name=B-ORG"),
            )
        ),
        "Ada|B-PER\tByron|I-PER\tleft|O\tAcme|B-ORG\n",
    ],
)
def test_the_word_and_the_tag_are_found(tmp_path: Path, text: str) -> None:
    body = text[text.rfind("#") :].partition("\n")[2] if text.startswith("#") else text
    other = body.replace("Byron", "Lovelace")
    first, second = items(tmp_path, text + ("" if "|B-PER" in text else "\n") + other)
    upper = [(word, str(label).upper()) for word, label in said(first)[1]]
    assert (said(first)[0], upper) == PLAIN
    assert said(second)[0] == "Ada Lovelace left Acme"


def test_comments_are_meta_and_a_hash_may_be_a_token(tmp_path: Path) -> None:
    text = "# sent_id = s-1\n# a note\n# O\nAda B-PER\n\n# newdoc id = d2\n# O\nAda B-PER\n"
    one, other = items(tmp_path, text)
    assert said(one)[0] == said(other)[0] == "# Ada"
    assert isinstance(one, Annotation)
    assert isinstance(other, Annotation)
    assert one.meta == {"sent_id": "s-1", "comment": "a note"}
    assert other.meta["document"] == "a.tsv:6"


def test_a_row_of_another_width_is_refused_with_its_sentence(tmp_path: Path) -> None:
    """A word with a space in a file of spaces would lose its second half."""
    text = "Ana Maria _ B-PER\nlives _ O\n\nAna _ B-PER\nlives _ O\n\nBo _ B-PER\nruns _ O\n"
    refused, *kept = items(tmp_path, text)
    assert isinstance(refused, Refused)
    assert (refused.kind, refused.place.line) == ("wrong_shape", 1)
    assert "a line of 4 columns; the file's others have 3" in refused.detail
    assert len(kept) == 2


def test_a_sentence_whose_tokens_are_not_numbered_through_is_refused_alone(tmp_path: Path) -> None:
    """Damaged numbers in one sentence made the numbers of all the words."""
    whole = "1\tAda\t_\tB-PER\n2\tleft\t_\tO\n\n"
    lost = "1\tAda\t_\tB-PER\n3\tByron\t_\tI-PER\n\n"
    one, refused, other = items(tmp_path, whole + lost + whole)
    assert said(one) == said(other) == ("Ada left", [("Ada", "PER")])
    assert isinstance(refused, Refused)
    assert refused.detail == "tokens are numbered 1, 3"


def test_a_token_without_a_tag_in_misc_is_refused_where_others_say_o(tmp_path: Path) -> None:
    row = "{}\t{}\t_\tX\t_\t_\t0\t_\t_\t{}\n".format
    whole = row(1, "Ada", "name=B-PER") + row(2, "left", "name=O") + "\n"
    damaged = row(1, "Ada", "nme=B-PER") + row(2, "left", "name=O") + "\n"
    one, refused = items(tmp_path, whole + damaged)
    assert said(one) == ("Ada left", [("Ada", "PER")])
    assert isinstance(refused, Refused)
    assert refused.detail == "the token 'Ada' has no tag"
    of_entities_only = whole.replace("name=O", "_")
    (free,) = items(tmp_path, of_entities_only)
    assert said(free) == ("Ada left", [("Ada", "PER")])


def test_words_in_a_file_of_tabs_may_have_spaces(tmp_path: Path) -> None:
    (one,) = items(tmp_path, "Ana Maria\tB-PER\nlives\tO\n")
    assert said(one) == ("Ana Maria lives", [("Ana Maria", "PER")])


def test_two_columns_of_entities_are_asked_about(tmp_path: Path) -> None:
    text = "1\tUniversity\tB-ORG\tO\n2\tof\tI-ORG\tO\n3\tLeeds\tI-ORG\tB-LOC\n"
    with pytest.raises(
        StopReadingError, match=r"columns 3 and 4 hold entity tags.*columns: \{word"
    ):
        items(tmp_path, text)
    for tag, expected in ((3, ("University of Leeds", "ORG")), (4, ("Leeds", "LOC"))):
        (one,) = items(tmp_path, text, Columns(word=2, tag=tag))
        assert said(one)[1] == [expected]


def test_characters_one_a_line_become_words_of_their_script(tmp_path: Path) -> None:
    (one,) = items(
        tmp_path, "王 B-PER\n小 M-PER\n明 E-PER\n在 O\n北 B-LOC\n京 E-LOC\n。 O\n5 O\nkm O\n"
    )
    assert said(one) == ("王小明在北京。 5 km", [("王小明", "PER"), ("北京", "LOC")])


def test_an_entity_that_begins_on_a_blank_word_is_refused(tmp_path: Path) -> None:
    (one,) = items(tmp_path, "Ada\tO\n \tB-PER\nByron\tI-PER\n")
    assert isinstance(one, Refused)
    assert "blank word" in one.detail
