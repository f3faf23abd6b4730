"""What may be changed, and by whom: a browser that holds the token, from a page of this app."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl, urlsplit

from fastapi import HTTPException, Request, Response

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 8
MONTH = 30 * 24 * 3600


class RefusedError(Exception):
    """A change that was not made. Its arguments: an HTTP status, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def cookie_of(request: Request) -> str:
    """The name of our cookie: browsers hold cookies by host alone, and other ports are others'."""
    return f"retrain-ui-{request.url.port or 80}"


def holds_token(request: Request, token: str) -> bool:
    """Whether a browser may change something."""
    given = request.cookies.get(cookie_of(request), "")
    return bool(token) and secrets.compare_digest(given.encode(), token.encode())


def give_token(request: Request, response: Response, given: str, token: str) -> None:
    """Let a browser hold the token that it was started with.

    Raises:
        HTTPException: it is another one.
    """
    if not token or not secrets.compare_digest(given.encode(), token.encode()):
        raise HTTPException(403, "This is not the token that `retrain ui --write` has printed.")
    response.set_cookie(
        cookie_of(request), token, max_age=MONTH, httponly=True, samesite="lax", path="/"
    )


def check_origin(request: Request) -> None:
    """Refuse what a page of another server sends, though a browser sends our cookie along.

    Raises:
        HTTPException: it does not come from a page of this app.
    """
    origin = urlsplit(request.headers.get("origin", ""))
    if origin.scheme != "http" or origin.netloc != request.headers.get("host"):
        raise HTTPException(403, "This was not sent by a page of this app.")


def check_may_write(request: Request, token: str) -> None:
    """Refuse a change by whoever may not.

    Raises:
        HTTPException: nothing may be changed, or not by this browser.
    """
    check_origin(request)
    if not token:
        raise HTTPException(403, "Nothing can be changed here: start `retrain ui --write`.")
    if not holds_token(request, token):
        raise HTTPException(
            403,
            "This browser does not hold the token: open the address that `retrain ui --write` "
            "printed when it was started.",
        )


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form.

    Raises:
        HTTPException: it is none.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise HTTPException(415, f"Send a form: {FORM}.")
    try:
        text = (await request.body()).decode("ascii")
        fields = parse_qsl(
            text, True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError as error:
        raise HTTPException(422, "This is no form.") from error
    if len(dict(fields)) != len(fields):
        raise HTTPException(422, "A field of the form is there twice.")
    return dict(fields)


def field(form: dict[str, str], name: str) -> str:
    """A field of a form.

    Raises:
        HTTPException: it is missing.
    """
    if name not in form:
        raise HTTPException(422, f"The form has no field {name}.")
    return form[name]
