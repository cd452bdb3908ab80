"""The domains: each is models, resources and plain functions."""
