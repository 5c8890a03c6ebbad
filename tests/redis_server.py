"""A real Redis on a loopback port of its own, with its data in a folder of the test's."""

from pathlib import Path

from tests.servers import Command, Process, find_program, free_port


def redis_process(folder: Path, *options: str) -> Process:
    """Start a redis-server, which keeps what it acknowledged over a kill and a new start."""
    port = free_port()
    command = [find_program("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always"]
    return Command([*command, *options], port=port, folder=folder)
