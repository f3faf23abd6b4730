"""The figures of a report."""

from __future__ import annotations

from components.report.figures import loss_per_step, training_charts


def test_a_step_without_a_score_leaves_a_gap_in_its_curve() -> None:
    history = [
        {"step": 0, "loss": 3.0, "topic.f": None, "who.f": None},
        {"step": 10, "loss": 2.0, "topic.f": 0.5, "who.f": None},
        {"step": 20, "loss": 1.0, "topic.f": 0.4, "who.f": None},
    ]
    titles = [title for title, _ in training_charts(history)]
    assert titles[1] == "F on the dev documents. The best F: of topic 50.0 at step 10."
    only = [{"step": 0, "loss": 3.0, "f": None}]
    assert [title.split(".")[0] for title, _ in training_charts(only)] == ["Training loss per step"]


def test_the_step_of_the_model_is_said() -> None:
    history = [
        {"step": 10, "loss": 2.0, "f": 0.6, "kept": False},
        {"step": 20, "loss": 1.0, "f": 0.4, "kept": True},
        {"step": 30, "loss": 1.0, "f": 0.5, "kept": True},
        {"step": 40, "loss": 1.0, "f": 0.3, "kept": False},
    ]
    titles = [title for title, _ in training_charts(history)]
    assert titles[1].endswith(
        "The best F: 60.0 at step 10. The weights of step 30 are those of the model."
    )


def test_the_loss_is_that_of_a_step() -> None:
    history = [{"step": 0, "loss": 5.0}, {"step": 10, "loss": 40.0}, {"step": 30, "loss": 20.0}]
    assert loss_per_step(history) == [(0, 5.0), (10, 4.0), (30, 1.0)]
    divided = [{**entry, "steps": steps} for entry, steps in zip(history, (1, 10, 20), strict=True)]
    assert loss_per_step(divided) == [(0, 5.0), (10, 40.0), (30, 20.0)]
