"""What became of a phase, from the records of its tasks alone."""

from __future__ import annotations

from typing import Any

import pytest

from components.registry.outcome import InProduction
from pipelines.local.runs import State, TaskRecord
from pipelines.results.outcome import PhaseOutcome, outcome_of

STAGES = ("ingest", "split", "convert", "train", "evaluate", "upload")
TWO = InProduction("2", "somebody")


def tasks(states: str, **parameters: dict[str, Any]) -> dict[str, TaskRecord]:
    """A phase whose stages are in the states that these letters begin."""
    words: dict[str, State] = {
        "s": "succeeded", "u": "reused", "f": "failed", "n": "not-run", "p": "pending",
        "r": "running", "c": "cancelled", "k": "skipped",
    }  # fmt: skip
    return {
        f"p/{stage}": TaskRecord(
            f"p/{stage}",
            words[letter],
            reused_from="R" if letter == "u" else None,
            note="it broke" if letter == "f" else "",
            parameters=parameters.get(stage, {}),
        )
        for stage, letter in zip(STAGES, states, strict=True)
    }


def came(states: str, over: bool = True, **parameters: dict[str, Any]) -> PhaseOutcome:
    return outcome_of("now", "p", tasks(states, **parameters), TWO, over=over)


def uploaded(outcome: str, version: str = "2") -> dict[str, Any]:
    return {"outcome": outcome, "version": version, "headline": "The gate's words."}


@pytest.mark.parametrize(
    ("states", "over", "state", "message", "short"),
    [
        ("ssfnnn", True, "failed", "failed in convert, production unchanged: version 2",
         "failed in convert"),
        ("sscnnn", True, "cancelled", "stopped in convert, production unchanged: version 2",
         "stopped in convert"),
        ("sspppp", True, "cancelled", "stopped, production unchanged: version 2", "stopped"),
        ("ssnnnn", True, "cancelled", "stopped, production unchanged: version 2", "stopped"),
        ("nnnnnn", True, "not-run", "not run", "not run"),
        ("pppppp", False, "running", "under way", "running"),
        ("ssrppp", False, "running", "running convert", "running in convert"),
        ("sspppp", False, "running", "under way", "running"),
    ],
)  # fmt: skip
def test_a_phase_that_did_not_come_to_its_end(
    states: str, over: bool, state: str, message: str, short: str
) -> None:
    outcome = came(states, over)
    assert (outcome.state, outcome.message, outcome.short) == (state, message, short)
    assert outcome.in_production == "2"
    assert outcome.reasons == (("it broke",) if state == "failed" else ())


def test_what_was_reused_says_since_when() -> None:
    again = came("suuuus", upload=uploaded("in-production"))
    assert again.message == "nothing changed since run R: production stays version 2"
    assert (again.short, again.tone) == ("unchanged 2", "good")
    trained = came("suuuss", upload=uploaded("in-production"))
    assert trained.message == "the same model as before: production stays version 2"
    # The registry knows better than the cache of this machine.
    known = came("ssssss", upload={**uploaded("in-production"), "since": "Q"})
    assert known.message == "nothing changed since run Q: production stays version 2"
    other = came("suuuus", upload={**uploaded("in-production"), "since": ""})
    assert other.message == "the same model as before: production stays version 2"
    held = came("suuuus", upload=uploaded("held", "3"))
    assert held.message == "nothing changed since run R; held again: production stays version 2"
    assert (held.short, held.tone, held.reasons) == ("held 3", "bad", ("The gate's words.",))


def test_one_that_waits_says_why() -> None:
    waits = came("skkkkk", ingest={"decision": "wait", "why": "nothing is new."})
    assert (waits.end, waits.reasons, waits.tone) == ("waits", ("nothing is new.",), "")
    assert waits.message == "not trained, nothing is due: production stays version 2"


def test_a_notification_that_fails_hides_no_promotion() -> None:
    every = tasks("ssssss", upload=uploaded("promoted", "3"))
    every["p/notify"] = TaskRecord("p/notify", "failed", note="nobody answers")
    outcome = outcome_of("now", "p", every, InProduction("3", "run now"))
    said = "failed in notify, after it was promoted: production is version 3"
    assert (outcome.message, outcome.in_production) == (said, "3")


def test_a_run_that_kept_no_word_of_production_says_so() -> None:
    nobody = InProduction(None, unknown="the run kept no word of it")
    outcome = outcome_of("now", "p", tasks("sssfnn"), nobody)
    assert outcome.in_production is None
    assert outcome.message.endswith("is not known (the run kept no word of it)")
    promoted = outcome_of("now", "p", tasks("ssssss", upload=uploaded("promoted", "3")), nobody)
    assert (promoted.message, promoted.in_production) == ("promoted to version 3", "3")
