"""Edges of entities are edges of tokens, in each language by its own tokeniser."""

from __future__ import annotations

import re

import pytest

from components.convert.alignment import aligned

# Entities in brackets, beside what tokenisers trip over: abbreviations, contractions, enclitics.
SENTENCES = {
    "en": [
        "We saw [Dr. Smith]'s car at [Acme Corp.], the U.S. firm.",
        '"[Ann]" isn\'t [Bolt & Co.]',
    ],
    "de": [
        "[Dr. Müller] fährt z.B. nach [Köln-Deutz], nicht nach [Bonn].",
        "Die [Holm GmbH & Co. KG], ([Berlin]), zahlt [12.000 Euro].",
    ],
    "da": [
        "[Søren Ø. Holm] bor m.fl. i [Århus], nær [Åby] kl. 8.",
        '[Holm A/S] ringede d. [3. maj], sagde "[Åse]".',
    ],
    "pt": [
        "A [Maria] vendeu-o ao [Dr. Sousa], de [São Paulo].",
        "[Ana] comprou-a em [Lisboa]; pagou [10 euros] à [Silva & Filhos].",
    ],
    "es": ["El [Sr. Pérez] vive en [EE. UU.] y no en [Córdoba].", "En «[Casa Roja]», dijo [Luis]."],
    "fr": ["L'[ONU] répond à [M. Dupont], d'[Aix-en-Provence].", "Qu'a dit-il à l'[Élysée] ?"],
    "it": ["L'ufficio dell'[Enel] è a [Roma], dall'[Avv. Rossi].", "Va all'[Aquila] con [Luca]."],
    "nl": ["[Dhr. De Vries] gaat naar [Den Haag], d.w.z. morgen."],
    "ro": ["[D-l Popescu] merge la [Iași].", "Într-o zi, [Ion Pop] a plecat din [Cluj-Napoca]."],
}


def faults(sentence: str, language: str) -> list[str]:
    """The entities in brackets whose edges are no edges of tokens."""
    text = re.sub(r"[\[\]]", "", sentence)
    found = []
    for number, match in enumerate(re.finditer(r"\[(.*?)\]", sentence)):
        start = match.start() - 2 * number
        end = start + len(match[1])
        assert text[start:end] == match[1]
        found += [] if aligned(text, start, end, language) else [match[1]]
    return found


@pytest.mark.parametrize("language", SENTENCES)
def test_the_tokeniser_of_a_language_delimits_its_entities(language: str) -> None:
    assert [faults(one, language) for one in SENTENCES[language]] == [[]] * len(SENTENCES[language])


@pytest.mark.parametrize(
    ("language", "expected"), [("fr", ["ONU", "Aix-en-Provence", "Élysée"]), ("de", [])]
)
def test_the_tokeniser_of_all_languages_knows_no_contraction(
    language: str, expected: list[str]
) -> None:
    assert [each for one in SENTENCES[language] for each in faults(one, "xx")] == expected


def test_a_letter_before_a_full_stop_is_taken_for_an_abbreviation() -> None:
    assert faults("Vi bor i [Odense Å].", "da") == ["Odense Å"]
