"""Venues' WebSocket streams: one session thread a connection, one parser a venue (msgspec)."""
