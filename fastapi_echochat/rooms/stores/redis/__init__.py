"""Rooms in Redis or Valkey."""
