"""The protocols that an endpoint speaks, as frames."""
