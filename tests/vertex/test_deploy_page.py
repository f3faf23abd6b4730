"""Deploying on Vertex AI from `retrain ui`."""

from __future__ import annotations

from pathlib import Path

import httpx2

from tests.support.site import Ui, signed_in, text_of, until
from tests.vertex.double import Double
from tests.vertex.test_models_cli import NAME, there

__all__ = ["there"]
FIELDS = {"model": f"{NAME}@1", "endpoint": "guidance", "traffic": "10", "machine": "n1-standard-4"}


def test_a_deployment_says_what_it_will_do_and_does_it(
    there: Path, double: Double, tmp_path: Path
) -> None:
    fields = {**FIELDS, "config": str(there)}
    with Ui(tmp_path, "--write") as ui, signed_in(ui) as browser:
        double.requests.clear()
        said = text_of(browser.get("/deploy", params=fields).text)
        assert "Project my-project, region us-central1: the endpoint guidance is found" in said
        assert "then 10 percent. The versions that the endpoint has now share the other 90" in said
        assert double.requests == []
        wrong = browser.post("/deploy", data={**fields, "traffic": "101"})
        assert wrong.status_code == 422
        page = browser.post("/deploy", data=fields).url.path
        until(lambda: "event: over" in browser.get(f"{page}/events", timeout=120).text)
        said = text_of(browser.get(page).text)
        assert f"guidance serves {NAME}@1 100%" in said
        assert browser.post(f"{page}/stop").status_code == 409
    [endpoint] = double.endpoints.by_name.values()
    assert endpoint.display_name == "guidance"


def test_without_the_token_nobody_reads_configs_by_it(there: Path, tmp_path: Path) -> None:
    with Ui(tmp_path, "--write") as ui:
        page = httpx2.get(f"{ui.url}/deploy", params={**FIELDS, "config": str(there)})
        assert "my-project" not in page.text
