"""Plugins with which frameworks of others use this project, each in a module of its own (docs/connect.md).

None of their packages is imported unless its module is: the extras ``livekit``, ``pipecat`` and ``mcp``.
"""
