"""What begins after something else, however that ended, and what it is told.

No `from __future__ import annotations` here: kfp reads the types of components.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from google_cloud_pipeline_components.v1.vertex_notification_email import VertexNotificationEmailOp
from kfp import dsl

from components.errors import ConfigError
from pipelines.local.runner.reading import read_spec
from tests.pipelines.local.runner.pieces import (
    PYTHON,
    RETURN,
    WRITE,
    compiled,
    decide,
    run,
    states,
    text_of,
    write,
)

FAIL = "print('no room left'); sys.exit(1)"
# Code that says whether the other phase has ended, by what it leaves behind.
MARK = WRITE + "; open('mark', 'w').close()"
LOOK = "pathlib.Path(a[1]).write_text(str(os.path.exists('mark')))"


@dsl.container_component
def final(status: dsl.PipelineTaskFinalStatus, made: dsl.Output[dsl.Dataset]):
    """Write the final status that it is given."""
    return dsl.ContainerSpec(image="test", command=PYTHON, args=[WRITE, status, made.path])


def phase(name: str, code: str) -> Any:
    @dsl.pipeline(name=name)
    def branch(text: str):
        write(code=code, text=text).set_display_name("work")

    return branch


def one_by_one(first: str, second: str) -> Any:
    """Two phases, the second after the first."""
    one, two = phase("one", first), phase("two", second)

    @dsl.pipeline(name="p")
    def pipeline(text: str = "x"):
        before = one(text=text)
        two(text=text).after(before).ignore_upstream_failure()

    return pipeline


def test_one_after_another(tmp_path: Path) -> None:
    result = run(one_by_one(f"time.sleep(1); {MARK}", LOOK), tmp_path, workers=2)
    assert text_of(result, "two/work") == "True"


def test_one_that_fails_does_not_stop_the_next(tmp_path: Path) -> None:
    result = run(one_by_one(FAIL, WRITE), tmp_path)
    assert states(result) == {"one/work": "failed", "two/work": "succeeded"}
    assert result.exit_code == 1


def test_the_second_may_run_alone(tmp_path: Path) -> None:
    result = run(one_by_one(FAIL, WRITE), tmp_path, phases=["two"])
    assert states(result) == {"one/work": "not-run", "two/work": "succeeded"}
    assert result.exit_code == 0


def test_phases_that_take_turns_get_all_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.local.run.available_cores", lambda: 9)
    result = run(one_by_one(WRITE, WRITE), tmp_path)
    assert result.record.threads == 9


@pytest.mark.parametrize(("code", "state"), [(WRITE, "SUCCEEDED"), (FAIL, "FAILED")])
def test_a_final_status_tells_how_a_phase_ended(tmp_path: Path, code: str, state: str) -> None:
    branch = phase("one", code)

    @dsl.pipeline(name="p")
    def pipeline(text: str = "x"):
        final().after(branch(text=text)).ignore_upstream_failure()

    for phases in (None, ["one"]):
        result = run(pipeline, tmp_path, phases=phases, use_cache=False)
        status = json.loads(text_of(result, "final"))
        assert status["state"] == state
        assert status["pipelineTaskName"] == "one"
        assert status["pipelineJobResourceName"] == result.run_id
        message = status["error"].get("message", "")
        assert message == ("" if state == "SUCCEEDED" else "one/work: no room left")


def test_what_follows_a_phase_that_is_left_out_is_left_out(tmp_path: Path) -> None:
    one, two = phase("one", WRITE), phase("two", WRITE)

    @dsl.pipeline(name="p")
    def pipeline(text: str = "x"):
        final().after(one(text=text)).ignore_upstream_failure()
        two(text=text)

    ended = states(run(pipeline, tmp_path, phases=["two"]))
    assert ended == {"one/work": "not-run", "final": "not-run", "two/work": "succeeded"}


def test_an_exit_handler_is_given_the_final_status_too(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def pipeline():
        with dsl.ExitHandler(final()):
            write(code=FAIL, text="")

    result = run(pipeline, tmp_path)
    assert json.loads(text_of(result, "final"))["state"] == "FAILED"


def test_an_email_is_not_sent_from_here_and_says_so(tmp_path: Path) -> None:
    branch = phase("one", WRITE)

    @dsl.pipeline(name="p")
    def pipeline(text: str = "x"):
        ended = branch(text=text)
        email = VertexNotificationEmailOp(recipients=["a@example.org"])
        email.after(ended).ignore_upstream_failure().set_display_name("email")

    result = run(pipeline, tmp_path)
    assert result.exit_code == 0
    assert result.record.tasks["email"].state == "skipped"
    assert result.record.tasks["email"].note == "e-mail is sent on Vertex AI only"


def test_tasks_behind_a_condition_go_by_the_name_of_where_it_stands(tmp_path: Path) -> None:
    @dsl.pipeline(name="one")
    def branch(text: str):
        gate_decision = decide(code=RETURN, text=text)
        with dsl.If(gate_decision.outputs["decision"] == "go"):
            write(code=WRITE, text="").set_display_name("work")
            with dsl.If(gate_decision.outputs["number"] > 5):
                write(code=WRITE, text="").set_display_name("more")

    @dsl.pipeline(name="p")
    def pipeline(text: str = "go"):
        branch(text=text)

    ended = states(run(pipeline, tmp_path))
    assert ended == {
        "one/decide": "succeeded",
        "one/work": "succeeded",
        "one/more": "skipped",
    }


def test_two_tasks_of_one_name_are_refused() -> None:
    @dsl.pipeline(name="p")
    def pipeline(text: str = "go"):
        write(code=WRITE, text="").set_display_name("same")
        with dsl.If(text == "go"):
            write(code=WRITE, text="").set_display_name("same")

    with pytest.raises(ConfigError, match="several tasks go by the name same"):
        read_spec(compiled(pipeline))
