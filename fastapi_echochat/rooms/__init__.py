"""Where rooms live, and what they keep."""
