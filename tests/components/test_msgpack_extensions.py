"""Extensions of msgpack are looked for once, and those that come later are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import catalogue
import pytest
import srsly
from srsly.msgpack import msgpack_decoders, msgpack_encoders

from components.msgpack_extensions import remember


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """One entry for each time that installed packages are asked."""
    asked: list[object] = []
    look = catalogue.Registry.get_entry_points

    def counted(registry: Any) -> Any:
        asked.append(registry)
        return look(registry)

    monkeypatch.setattr(catalogue.Registry, "get_entry_points", counted)
    remember()
    yield asked
    for extensions in (msgpack_decoders, msgpack_encoders):
        extensions.__dict__.pop("get_all", None)


def test_packages_are_asked_once(looked: list[object]) -> None:
    for number in range(5):
        assert srsly.msgpack_loads(srsly.msgpack_dumps({"a": number})) == {"a": number}
    assert len(looked) == 2


def test_what_is_registered_later_is_known(looked: list[object]) -> None:
    data = srsly.msgpack_dumps({"a": 1})
    assert srsly.msgpack_loads(data) == {"a": 1}

    def later(obj: Any, chain: Any = None) -> Any:
        return {"later": obj if chain is None else chain(obj)}

    msgpack_decoders.register("later", func=later)
    try:
        assert srsly.msgpack_loads(data) == {"later": {"a": 1}}
    finally:
        del catalogue.REGISTRY[("srsly", "msgpack_decoders", "later")]
