"""The path of a mount, as that of a route in it."""


class _MountPath(str):
    """The path of a route that is where its router is mounted.

    FastAPI adds the path of a route to the prefix of its router, and refuses an empty path where
    the prefix is empty too. Added to a prefix, this is the prefix; to none, it is `/`. So what
    metrics and traces name a page by is what its host has written.
    """

    def __radd__(self, prefix: str) -> str:
        return prefix or self


MOUNT_PATH = _MountPath("/")
"""The path of a page, without the trailing slash."""
