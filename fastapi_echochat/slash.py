"""A path that may end with a slash."""

from starlette.convertors import Convertor, register_url_convertor


class _OptionalSlash(Convertor[str]):
    """A slash or nothing, at the end of a path.

    A page answers at its mount with and without the trailing slash, in one route: a redirect from
    one to the other would be built from the Host header and could leave the proxy's prefix or
    scheme, and FastAPI refuses a route whose path is empty in a mount whose prefix is empty.
    """

    regex = "/?"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("echochat_optional_slash", _OptionalSlash())

SLASH = "echochat_slash"
"""The path parameter that a page's route has for it, beside those of its mount."""

PAGE_PATH = f"{{{SLASH}:echochat_optional_slash}}"
"""The path of a page, below its mount."""
