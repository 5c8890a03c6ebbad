"""The protocols that an endpoint speaks: frames, and a serializer for each protocol.

Nothing here waits or sends.
"""
