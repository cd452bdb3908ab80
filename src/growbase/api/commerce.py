"""Stores beside their rows: key figures, tests of connections, and the webhooks that reach them."""
