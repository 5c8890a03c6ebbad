"""Rooms in one file."""
