"""The link to the host's sign-in, as the server writes it."""

import pytest
from fastapi.testclient import TestClient

from tests.apps import make_app, make_client


@pytest.mark.parametrize(
    ("prefix", "asked", "link"),
    [
        ("/chat", "/chat", "./in?way=1"),
        ("/chat", "/chat/", "../in?way=1"),
        ("/support/{team}/chat", "/support/a/chat", "../../in?way=1"),
        ("", "/", "./in?way=1"),
    ],
)
@pytest.mark.parametrize("root_path", ["", "/behind/proxy"])
def test_sign_in_link_is_relative_to_the_page(
    prefix: str, asked: str, link: str, root_path: str
) -> None:
    """A path of `sign_in_url=` is the application's, under every mount and root path."""
    app = make_app(prefix=prefix, sign_in_url="/in?way=1")
    browser = TestClient(app, root_path=root_path)

    for path in {asked, root_path + asked}:
        assert f'href="{link}" target="_top"' in browser.get(path).text


def test_sign_in_link_of_another_host() -> None:
    """An absolute `sign_in_url=` stands in the page as it is; without one there is no link."""
    away = "https://accounts.example/in?a=b&c"
    assert f'href="{away.replace("&", "&amp;")}"' in make_client(sign_in_url=away).get("/chat").text
    assert "echochat-sign-in" not in make_client().get("/chat").text
