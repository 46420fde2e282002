"""The server: text in and whole FLAC frames out over WebSockets, WAV to FLAC, and a page to try it on.

Nothing here knows how speech is made; the steps come from ``voice`` and are run by the scheduler.
"""
