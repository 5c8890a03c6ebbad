"""What axe-core, which knows the rules of accessibility, objects to in a page."""

from collections.abc import Iterable
from typing import Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has no types
from playwright.sync_api import Page

_SCRIPT: str = Axe().axe_script
# What it has nothing against, many times as long, is left in the browser.
_RUN = """async () => {
    const { violations } = await axe.run({ resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`);
}"""

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def violations(page: Page, schemes: Iterable[Literal["light", "dark"]] = SCHEMES) -> list[str]:
    """Return what axe-core objects to, by day and by night, with the elements it is about."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(_SCRIPT)
    found: list[str] = []
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {violation}" for violation in page.evaluate(_RUN)]
    return found
