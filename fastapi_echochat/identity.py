"""Who a person is. A display name is a claim; rights hang on an identity."""

import base64
import hashlib
from dataclasses import dataclass, field

GUEST = " (guest)"
"""What a guest's name ends with where a dependency names others."""

NAMELESS = "Somebody"
"""What somebody is called of whose name nothing can be shown."""

_ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class Author:
    """A person, as `EchoChat(author=)` returns one and a `Message` has one.

    Two are equal when they are the same person, whatever they are called.

    Attributes:
        id: What the host knows the person by, such as a primary key as text. It is compared byte
            for byte, kept with every entry, never shown and never sent to a client. A guest's is
            a digest of the secret that their browser keeps.
        name: What is shown.
        is_guest: Whether the person is known by their browser alone.

    Raises:
        TypeError: `id` or `name` is no str.
        ValueError: `id` is empty, or has half of a surrogate pair.
    """

    id: str
    name: str = field(compare=False)
    is_guest: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not isinstance(self.name, str):
            raise TypeError(
                "Author(id=, name=) takes two str, such as Author(id=str(user.id), "
                f"name=user.name), not {self.id!r} and {self.name!r}"
            )
        try:
            self.id.encode()
        except UnicodeEncodeError as exc:
            raise ValueError(f"an author's id is Unicode text; this is not: {exc}") from None
        if not self.id:
            raise ValueError("an author's id is not empty; for a guest return None")

    @property
    def key(self) -> str:
        """The identity as one text, which no other identity has."""
        # Not formatted: an id may be a `StrEnum`'s, or a `class Role(str, Enum)`'s, and how that is
        # formatted depends on the version of Python; from a store it comes back as its value.
        return ("guest:" if self.is_guest else "author:") + self.id


def key_of(author: Author | None) -> str:
    """Return an identity as one text, empty for nobody in particular."""
    return "" if author is None else author.key


def given_author(given: object) -> Author | None:
    """Return the author that a host's dependency gave, `None` for a guest.

    Args:
        given: An `Author`; a str, which is id and name at once; or `None`.

    Raises:
        TypeError: It is anything else.
        ValueError: It is a str that cannot be an id.
    """
    if given is None or isinstance(given, Author):
        return given
    if isinstance(given, str):
        return Author(given, given)
    raise TypeError(
        "author= returns Author(id=…, name=…), a str, or None for a guest, not "
        f"{type(given).__name__}"
    )


def guest_author(secret: str, name: str) -> Author:
    """Return the guest who knows a secret, of whom nobody learns it from the result.

    Args:
        secret: What their browser keeps, of 192 random bits or more.
        name: What they are called.
    """
    return Author(hashlib.sha256(secret.encode()).hexdigest()[:40], name, is_guest=True)


def pseudonym(key: bytes, room: str, author: Author) -> str:
    """Return what a person is to the clients of a room: 16 characters.

    Args:
        key: Kept by the store, and secret: without it nobody can try out which id gives which
            pseudonym, however short the ids are.
        room: The room's name; in every room a person has another pseudonym.
        author: The person.
    """
    digest = hashlib.blake2b(key=key, digest_size=_ID_BYTES)
    # The length keeps a room and an id that join to the same text apart.
    digest.update(f"{len(room)}:{room}:{author.key}".encode())
    return base64.urlsafe_b64encode(digest.digest()).decode()
