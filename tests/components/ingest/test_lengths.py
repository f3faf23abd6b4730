from __future__ import annotations

from collections import Counter

from components.ingest.coverage import histogram


def test_short_texts_do_not_share_one_bar() -> None:
    drawn = histogram(Counter(dict.fromkeys(range(5, 25), 10)))
    assert drawn["edges"] == list(range(26))
    assert drawn["counts"][5:] == [10] * 20
    assert (drawn["median"], drawn["longest"]) == (14, 24)


def test_a_few_long_texts_count_in_the_last_bar() -> None:
    drawn = histogram(Counter({12: 500, 30: 480, 40: 15, 9000: 5}))
    assert drawn["edges"][-1] == 32
    assert drawn["counts"][6] == 500
    assert drawn["counts"][15] == 500
    assert sum(drawn["counts"]) == 1000
    assert drawn["longest"] == 9000


def test_no_texts_have_an_empty_histogram() -> None:
    assert histogram(Counter())["counts"] == [0]
