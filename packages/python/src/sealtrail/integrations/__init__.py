"""Handlers that log what other libraries do."""
