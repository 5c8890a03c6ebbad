"""The commands of one event loop, and how their trouble is told."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

from redis import exceptions

from ..contract import RoomsUnavailableError
from ..outage import Outage
from .batches import Batches, Command
from .connections import Source
from .packing import PROBE
from .scripts import PUBLISH, SCRIPTS, Script
from .subscription import Subscription

_OUT_OF_REACH = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ClusterError,
    exceptions.RedisClusterException,
    OSError,
    asyncio.TimeoutError,
)

# How often a command that a replica refuses is sent: connections that were in use when others were
# renewed lead there as well.
_TRIES = 3


class Outages:
    """What can fail of a Redis: all of it, or it refuses to do one thing and does another.

    Args:
        server: Names it.

    Attributes:
        away: It does not answer.
        reads: It refuses reads.
        writes: It refuses writes; that it is a replica is a part of it.
        channels: It refuses to publish or to be subscribed to, each a part of it.
    """

    def __init__(self, server: str) -> None:
        self.away = Outage(f"{server} does not answer", f"{server} answers again")
        self.reads = Outage(
            f"{server} refuses reads", f"{server} accepts reads again", "rooms cannot be entered"
        )
        self.writes = Outage(f"{server} refuses writes", f"{server} accepts writes again")
        self.channels = Outage(
            f"{server} refuses channels",
            f"{server} accepts channels again",
            "nobody sees what is new",
        )


class Client:
    """One event loop's commands, and its subscription.

    Args:
        source: Where its connections come from.
        channel: Returns the name of a room's channel.
        outages: Told of what fails.

    Attributes:
        subscription: Receives what is published.
    """

    def __init__(self, source: Source, channel: Callable[[str], str], outages: Outages) -> None:
        self._connections = source.open()
        self._batches = Batches(self._answer, self._connections.most, self._connections.longest)
        self._channel = channel
        self._outages = outages
        self.subscription = Subscription(
            self._connections.subscriber,
            self._probe,
            channel,
            lambda: outages.channels.end("subscribe"),
            self._judge_loss,
        )
        self._end: AsyncGenerator[None, None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def ask(self, *arguments: Any, refusal: Outage) -> Any:
        """Return the answer to a command.

        Args:
            arguments: Its name, and what follows.
            refusal: Begins if Redis refuses it; the caller ends it.

        Raises:
            RoomsUnavailableError: There is none, or Redis refuses.
        """
        if self._end is None:
            self._end = self._wait_for_end()
            await anext(self._end)
        return await self._batches.answer(Command(arguments, refusal))

    async def run(
        self, script: Script, keys: list[str], arguments: list[Any], refusal: Outage
    ) -> Any:
        """Run a script, which Redis is sent if it does not have it; raises what `ask` does."""
        called = ("EVALSHA", script.digest, len(keys), *keys, *arguments)
        return await self.ask(*called, refusal=refusal)

    async def publish(self, room: str, text: str) -> None:
        """Publish a text on a room's channel; raises what `ask` does."""
        # Half of a surrogate pair is a question mark, whatever the options of a host's client are.
        arguments = [text.encode(errors="replace")]
        channels, begun = self._outages.channels, time.monotonic()
        await self.run(PUBLISH, [self._channel(room)], arguments, channels)
        channels.end("publish", begun=begun)
        self._outages.writes.end("replica", begun=begun)

    async def close(self) -> None:
        """Close the connections."""
        await self.subscription.stop()
        await self._connections.close()

    def close_soon(self) -> None:
        """Close the connections, in a task."""
        self._closing = asyncio.get_running_loop().create_task(self.close())

    async def _wait_for_end(self) -> AsyncGenerator[None, None]:
        # An event loop closes its async generators when it ends, and so these connections even if
        # nobody called close().
        try:
            yield
        finally:
            await self._connections.close()

    async def _answer(self, commands: list[Command]) -> list[Any]:
        begun = time.monotonic()
        try:
            answers = await self._send([command.arguments for command in commands], _TRIES)
        except (*_OUT_OF_REACH, exceptions.RedisError) as exc:
            answers = [exc] * len(commands)
        if not all(isinstance(answer, Exception) for answer in answers):
            self._outages.away.end(begun=begun)
        return [
            self._judge(command, answer) if isinstance(answer, Exception) else answer
            for command, answer in zip(commands, answers, strict=True)
        ]

    def _judge(self, command: Command, exc: Exception) -> RoomsUnavailableError:
        refusal = command.refusal
        sentence = f"Redis refuses ({_reason(exc)})"
        if isinstance(exc, _OUT_OF_REACH):
            self._outages.away.begin(_reason(exc))
            sentence = f"Redis does not answer ({_reason(exc)})"
            # What waits would wait for the next silence, and the next.
            self._batches.give_up(sentence, RoomsUnavailableError)
        elif _is_of_replica(exc):
            self._outages.writes.begin(_reason(exc), "replica")
        else:
            part = "publish" if refusal is self._outages.channels else ""
            # Of a cluster's node nothing ends it: in some slots all is well, in others never.
            part = "cluster" if _is_of_cluster(exc) else part
            refusal.begin(_reason(exc), part)
        unavailable = RoomsUnavailableError(sentence)
        unavailable.__cause__ = exc
        return unavailable

    async def _send(self, commands: list[tuple[Any, ...]], tries: int) -> list[Any]:
        """Return an answer or an exception for each command, or raise one that is of all."""
        try:
            answers = await self._connections.send(commands)
        except AttributeError as exc:
            # redis-py 5.0 writes to a connection that is being renewed.
            if tries == 1:
                raise exceptions.ConnectionError("its connection was renewed") from exc
            return await self._send(commands, tries - 1)
        failed = [index for index, answer in enumerate(answers) if _is_to_be_sent_again(answer)]
        if not failed:
            return answers
        if any(_is_of_replica(answers[index]) for index in failed):
            if tries == 1:
                return answers
            tries -= 1
            await self._connections.renew()
            self.subscription.renew()
        again = [_with_source(commands[index], answers[index]) for index in failed]
        for index, answer in zip(failed, await self._send(again, tries), strict=True):
            answers[index] = answer
        return answers

    async def _probe(self, room: str) -> None:
        await self.publish(room, PROBE)

    def _judge_loss(self, exc: Exception, tries: int) -> bool:
        if not isinstance(exc, (*_OUT_OF_REACH, exceptions.RedisError)):
            return False
        # Once is no more than a connection that was lost; whether Redis does not answer at all is
        # told by the command that comes first.
        if tries > 1 or not isinstance(exc, _OUT_OF_REACH):
            self._outages.channels.begin(_reason(exc), "subscribe")
        return True


def _is_to_be_sent_again(answer: Any) -> bool:
    if not isinstance(answer, exceptions.ResponseError):
        return False
    return isinstance(answer, exceptions.NoScriptError) or _is_of_replica(answer)


def _with_source(command: tuple[Any, ...], exc: Exception) -> tuple[Any, ...]:
    if isinstance(exc, exceptions.NoScriptError):
        return ("EVAL", SCRIPTS[command[1]].source, *command[2:])
    return command


def _is_of_replica(exc: Exception) -> bool:
    # Redis 6.2 says it in the middle of what it says of a script.
    return isinstance(exc, exceptions.ReadOnlyError) or "READONLY" in str(exc)


def _is_of_cluster(exc: Exception) -> bool:
    # Before 6 redis-py takes it for any other refusal, except in a RedisCluster.
    return isinstance(exc, exceptions.MovedError) or str(exc).startswith("MOVED ")


def _reason(exc: Exception) -> str:
    if _is_of_cluster(exc):
        return "it is one of a cluster: give RedisRooms(client=RedisCluster(…)) and no URL"
    return str(exc) or type(exc).__name__
