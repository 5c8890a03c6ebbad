"""The applications that are measured, each module of which imports only what it serves."""
