"""Forms and protocols of other services, each translated into the server's own requests (docs/connect.md).

An adapter reads what its clients send and writes what they read; who may speak, how much and with which voice is
decided where the server's own WebSocket has it decided.
"""
