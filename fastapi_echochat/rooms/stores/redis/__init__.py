"""Rooms in Redis or Valkey."""

try:
    import redis  # noqa: F401 - whether it is there
except ImportError as exc:
    raise ImportError("RedisRooms needs the redis package: pip install redis") from exc
