"""Rooms: what several sessions share."""
