"""What axe-core, which knows the rules of accessibility, objects to in a page."""

from collections.abc import Iterable
from typing import Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has no types
from playwright.sync_api import Page

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def violations(page: Page, schemes: Iterable[Literal["light", "dark"]] = SCHEMES) -> list[str]:
    """Return what axe-core objects to, by day and by night, with the elements it is about."""
    found: list[str] = []
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        found += [
            f"{scheme}: {rule['id']}: {[node['html'] for node in rule['nodes']]}"
            for rule in Axe().run(page).response["violations"]
        ]
    return found
