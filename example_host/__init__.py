"""An application as a user would write it. Run it: `uvicorn example_host:app`."""
