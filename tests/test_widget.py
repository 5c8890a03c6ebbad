"""The widget's script over HTTP; what it does in a page is in tests/browser/test_widget.py."""

import gzip

from fastapi import Depends, HTTPException

from tests.apps import make_client


def test_widget_is_under_3_kilobytes() -> None:
    """The script takes less than 3,000 bytes, compressed as it is sent."""
    response = make_client().get("/chat?asset=widget.js", headers={"accept-encoding": "gzip"})

    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) < 3_000
    assert len(gzip.compress(response.content)) < 3_000


def test_widget_is_asked_for_again() -> None:
    """A script without a version in its address is known by its ETag, so that it can change."""
    browser = make_client()

    response = browser.get("/chat?asset=widget.js")
    again = browser.get(
        "/chat?asset=widget.js", headers={"if-none-match": response.headers["etag"]}
    )

    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")


def test_guard_holds_for_the_widget() -> None:
    """Those who may not see the chat get no widget either."""

    def guard() -> None:
        raise HTTPException(401, "Sign in first")

    browser = make_client(dependencies=[Depends(guard)])

    assert browser.get("/chat?asset=widget.js").status_code == 401
