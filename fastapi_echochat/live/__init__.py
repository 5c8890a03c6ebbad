"""Rooms that somebody is in: who is there, what they say, and what reaches them."""
