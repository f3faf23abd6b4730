"""The body of a request: JSON as the standard has it, and what is wrong with one that is not."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, NoReturn

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

MOST_DEPTH = 100  # of lists and objects: an answer repeats `meta`, and takes no more than 255
SHAPE = "expected a text, or {text, meta}"
ROWS = (
    "Batch prediction from CSV or BigQuery sends each row as a list: set instanceConfig."
    "instanceType to object there, with the text in a column called text (includedFields)"
)
ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
CONTENT_TYPE = "body: send it as JSON, with the header Content-Type: application/json"


class JsonRequest(Request):
    """A request whose JSON is held against the standard."""

    async def json(self) -> Any:
        """The value of the body.

        Raises:
            HTTPException: 422, it holds what JSON does not have, or what no answer could repeat.
        """
        body = await self.body()
        try:
            text = body.decode("utf-8-sig")
            value = json.loads(
                text,
                parse_constant=refuse_constant,
                parse_float=finite,
                object_pairs_hook=without_duplicates,
            )
        except RecursionError:
            raise too_deep() from None
        except json.JSONDecodeError:
            raise
        except ValueError as error:  # bytes that are not UTF-8, and integers of 5,000 digits
            raise HTTPException(422, f"body: not JSON: {without_bytes(error)}.") from None
        if ESCAPED_HALF.search(body):
            check_characters(value)
        if body.count(b"[") + body.count(b"{") > MOST_DEPTH:
            check_depth(value)
        return value


class JsonRoute(APIRoute):
    """A route that reads its requests so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(JsonRequest(request.scope, request.receive))

        return handle


def refuse_constant(literal: str) -> NoReturn:
    raise HTTPException(422, f"body: {literal} is not JSON. Send null, or leave it out.")


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of two `instances` in one the first would not be answered."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise HTTPException(422, "body: an object has the same key twice. Send each key once.")
    return value


def finite(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise HTTPException(422, "body: a number is too large for a float. Send it as a string.")
    return number


def without_bytes(error: ValueError) -> str:
    """What is wrong, without quoting the body."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is not UTF-8"
    return "a number has too many digits"


def check_characters(value: Any) -> None:
    """Refuse half a surrogate pair, which an escape can spell and no answer could repeat."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise HTTPException(422, "body: a string holds half a surrogate pair.") from None
    except RecursionError:
        raise too_deep() from None


def check_depth(value: Any) -> None:
    """Refuse what is nested more than MOST_DEPTH deep."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [inner for one in level for inner in inside(one)]
        if not level:
            return
    raise too_deep()


def inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def too_deep() -> HTTPException:
    return HTTPException(422, f"body: nested too deeply, more than {MOST_DEPTH} levels.")


async def invalid(_request: Request, error: Exception) -> JSONResponse:
    """Say where a request is wrong, without its text."""
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": fault(error.errors())}, 422)


def fault(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first fault of a body: its place, and what is expected there."""
    place = tuple(part for part in errors[0]["loc"] if part != "body")
    if not place and errors[0]["type"] == "model_attributes_type":
        return CONTENT_TYPE if isinstance(errors[0]["input"], bytes) else "body: expected an object"
    if errors[0]["type"] == "json_invalid":
        # The parser's words: they quote nothing of the body.
        return f"body: not JSON: {errors[0]['ctx']['error']} (character {place[0] + 1})."
    if not place and errors[0]["type"] == "missing":
        return "body: it is empty. Send {instances: [...]}."
    if place[:1] == ("instances",) and len(place) > 1:
        same = [e for e in errors if tuple(e["loc"])[1:3] == place[:2]]
        return f"instances.{place[1]}: {SHAPE}{instance_fault(same)}."
    return f"{'.'.join(map(str, place)) or 'body'}: {errors[0]['msg']}"


def instance_fault(errors: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with one instance.

    Args:
        errors: why it is no text, and then why it is no object.
    """
    value = errors[0]["input"]
    if isinstance(value, list):
        return f", not a list. {ROWS}"
    if not isinstance(value, dict):
        return f", not {json_kind(value)}"
    inner = [(e["loc"][4], e) for e in errors if len(e["loc"]) > 4]
    for key, error in inner:
        if error["type"] == "extra_forbidden":
            return f"; unknown key {str(key)[:40]!r}"
    key, error = inner[0]
    if error["type"] == "missing":
        return f"; there is no key {key!r}"
    expected = "an object" if key == "meta" else "a string"
    return f"; {key!r} must be {expected}, not {json_kind(error['input'])}"


def json_kind(value: Any) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    names = {bool: "true or false", dict: "an object", list: "a list", str: "a string"}
    return names.get(type(value), "a number")
