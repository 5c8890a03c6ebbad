"""Every bound of a chat, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The bounds of one chat; `None` switches off the ones that may be `None`.

    Attributes:
        message_bytes: Longest message, in bytes of UTF-8. Default 65,536. The plain protocol
            closes with code 1009 (RFC 6455, section 7.4.1), `echochat.v1` answers with the error
            `message_too_long` and stays open. The server's own bound on a frame (uvicorn's
            `--ws-max-size`, 16 MiB) holds beside it.
        connections: Most connections that one chat has open at a time in one process. Default
            10,000. The next handshake is answered with status 503.
        waiting_messages: Most messages of one connection that wait while another is being
            answered. Default 1,000. When they are reached nothing more is read from the connection
            until one is answered, so its sender is slowed down and nothing is lost; nor is it
            noticed until then that the sender has left.
        waiting_bytes: How many bytes these messages may have together. Default 1,048,576; one
            message may wait however long it is. When they are reached it is as above.
        messages_per_second: How many messages of one connection are answered per second over
            time. Default `None`, no bound. What comes faster waits its turn: nothing is lost,
            and a client of `echochat.v1` is told with a `slowed` frame.
        frames_per_second: How many frames of one connection that are no messages and no pings are
            worked on per second over time. Default 10. What comes faster waits its turn, and after
            a hundred that had to wait in a row the connection is closed with code 1008.
        burst: How many messages, or other frames, may come at once before these two bite.
            Default 10.
        reply_seconds: Longest time, in seconds, that a reply function may take for one answer.
            Default `None`, no bound. Then it is ended, and the client gets the error
            `reply_failed` (plain: close 1011).
        reply_threads: How many plain (`def`) reply functions of the chat run at a time in one
            process, each in a thread. Default 40. The next wait their turn.
        send_seconds: Longest time, in seconds, in which a client may take nothing of what is
            sent to it; what the operating system's buffers hold counts as taken. Default 20. Then
            its connection is ended, between one and two times this long after it stopped reading.
        outbox_bytes: With rooms, how much of what is said waits for a client that reads slowly.
            Default 1,048,576 bytes, as frames. With more its connection is closed with code 1013,
            and it comes back for the rest with its last position.
        name_length: Longest name of a person in a room, in characters. Default 40. What is longer
            is cut off.
        unattended_seconds: With rooms, how long an answer goes on while nobody is connected.
            Default 300 seconds. Then it is ended, and the room keeps what there is of it.
        unanswered_messages: With rooms and a reply function, most messages of one person that have
            no answer yet. Default 1,000. The next ones wait unkept, within the bounds above.
        resume_seconds: With rooms, how old a message may be, in seconds, that is answered after
            the end of the server that was to answer it. Default 600.

    Raises:
        ValueError: A bound is not a positive number.
    """

    message_bytes: int | None = 65_536
    connections: int | None = 10_000
    waiting_messages: int = 1000
    waiting_bytes: int = 1_048_576
    messages_per_second: float | None = None
    frames_per_second: float | None = 10.0
    burst: int = 10
    reply_seconds: float | None = None
    reply_threads: int = 40
    send_seconds: float | None = 20.0
    outbox_bytes: int = 1_048_576
    name_length: int = 40
    unattended_seconds: float | None = 300.0
    unanswered_messages: int = 1000
    resume_seconds: float = 600.0

    def __post_init__(self) -> None:
        _whole("message_bytes", self.message_bytes)
        _whole("connections", self.connections)
        _whole("waiting_messages", self.waiting_messages, required=True)
        _whole("waiting_bytes", self.waiting_bytes, required=True)
        _number("messages_per_second", self.messages_per_second, "messages")
        _number("frames_per_second", self.frames_per_second, "frames")
        _whole("burst", self.burst, required=True)
        _number("reply_seconds", self.reply_seconds, "seconds")
        _whole("reply_threads", self.reply_threads, required=True)
        _number("send_seconds", self.send_seconds, "seconds")
        _whole("outbox_bytes", self.outbox_bytes, required=True)
        _whole("name_length", self.name_length, required=True)
        _number("unattended_seconds", self.unattended_seconds, "seconds")
        _whole("unanswered_messages", self.unanswered_messages, required=True)
        _number("resume_seconds", self.resume_seconds, "seconds", required=True)

    @property
    def message_rule(self) -> str:
        """Say how long a message may be, to a client that sent a longer one."""
        return f"a message may have {self.message_bytes} bytes of UTF-8"

    def allow_text(self, text: str) -> bool:
        """Tell whether a text is at most `message_bytes` long, in UTF-8."""
        bound = self.message_bytes
        # A character takes 1 to 4 bytes, so its length decides nearly always without encoding it.
        if bound is None or len(text) * 4 <= bound:
            return True
        if len(text) > bound:
            return False
        return text.isascii() or len(text.encode()) <= bound


def size_of(text: str) -> int:
    """Return how many bytes a text takes, in memory and in UTF-8, at most; in no time."""
    # A character that is not ASCII takes 1 to 4, in either.
    return len(text) if text.isascii() else 4 * len(text)


def _whole(name: str, value: object, *, required: bool = False) -> None:
    if value is None and not required:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        or_none = "" if required else ", or None for no bound"
        raise ValueError(f"Limits({name}=) takes a whole number from 1{or_none}, not {value!r}")


def _number(name: str, value: object, unit: str, *, required: bool = False) -> None:
    if value is None and not required:
        return
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 < value < float("inf")
    ):
        or_none = "" if required else ", or None for no bound"
        raise ValueError(
            f"Limits({name}=) takes a number of {unit} above 0{or_none}, not {value!r}"
        )
