"""What a mounted chat costs beside the bare server: `python -m tests.benchmarks`.

Servers run in processes of their own; this process is the load generator, and reads their
processor time from the operating system. It needs Linux.
"""
