"""Which language texts are in: by their script, and where it is Latin by their commonest words."""

from __future__ import annotations

import re
from collections import Counter

from components.records.scripts import LANGUAGES, UNSPACED, language_of_script

LANG = "lang"  # of meta: the language of a record
# The words that stand most often in running text, without those that all neighbours share.
COMMON = {
    "en": "the of and to in is that for it as was with be by on not this are at from i you my have",
    "de": "der die und das den von zu mit sich des auf für ist im dem nicht ein eine als auch es",
    "nl": "de het van een en dat is te niet zijn op met voor die er aan ook als door maar bij",
    "da": "og i at det er en til af på som der med for de den har ikke et efter blev også hun",
    "nb": "og i å det er en til av på som med for de den har ikke et etter ble også hun fra",
    "sv": "och i att det är en till av på som med för de den har inte ett efter också om var",
    "fi": "ja on ei että se oli hän mutta ovat kun myös joka niin kuin sen ole tai vain mukaan",
    "fr": "de la le et les des en un du une que est pour qui dans par plus pas sur au ne ce",
    "es": "de la que el en y los del se las por un para con no una su al es lo como más",
    "pt": "de a o que e do da em um para com não uma os no se na por mais as dos como ao",
    "it": "di e il la che in un del per è una i con non della si da le sono al più dei",
    "ro": "de și în a la cu pe din o nu care este un mai să au pentru ce că fost sunt lui",
    "ca": "de la i que el en a les els un per del una amb és es al no dels va com més",
    "pl": "w z na się nie że o jest po od za jak jego dla tym ale był oraz są przez przy jej które",
    "cs": "v se na je že s z k o ve pro za ale jako jsou byl po které není jsem při jeho až který",
    "hr": "je u na se da su za od s o koji iz kao ne će bi što ali nije sam biti ili samo kako",
    "hu": "a az és hogy nem is egy ez volt meg csak már de ki szerint még mint el lesz",
    "tr": "ve bir bu da de için ile çok olarak daha gibi ne olan kadar sonra değil var ise",
}
LEAST = 0.12  # of the words; names, numbers and lists alone say nothing
CLEARLY = 1.15  # times as many as of the next language
ALIKE = ({"da", "nb"}, {"cs", "hr"})  # told apart by fewer words than others
WORD = re.compile(r"[^\W\d_]+")
WORDS: dict[str, tuple[str, ...]] = {}
for code, words in COMMON.items():
    for word in words.split():
        WORDS[word] = (*WORDS.get(word, ()), code)


def count_common(text: str) -> Counter[str]:
    """By language the words of a text that are common in it; by "" all words."""
    found = WORD.findall(text.lower())
    counts = Counter({"": len(found)})
    for word in found:
        counts.update(WORDS.get(word, ()))
    return counts


def language_of(scripts: Counter[str], words: Counter[str]) -> str:
    """The language of texts; "" where neither letters nor words tell it.

    Args:
        scripts: letters by script, as `count_scripts` gives them.
        words: of all texts, as `count_common` gives them.
    """
    of_script = language_of_script(scripts)
    return likeliest(words) if of_script is None else of_script


def contradicts(read: str, language: str) -> bool:
    """Whether texts look like another language than the one that is set.

    Of a language that nothing is known of here, Ukrainian or Slovak, nobody can say that its texts
    look like another one's.

    Args:
        read: as `language_of` gives it.
        language: as a config says it.
    """
    if not read or read == language or language not in (*COMMON, *LANGUAGES.values()):
        return False
    return not (language == "zh" and read in UNSPACED)  # by the character, which suits all of them


def likeliest(words: Counter[str]) -> str:
    """The language whose common words stand most often in texts in Latin letters; "" if unclear."""
    first, second, *_ = sorted(COMMON, key=lambda code: -words[code])
    if {first, second} in ALIKE:
        clear = words[first] > words[second]
    else:
        clear = words[first] > CLEARLY * words[second]
    return first if clear and words[first] >= LEAST * words[""] else ""
