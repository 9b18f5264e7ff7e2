"""Edits and the order of sources: what a person says, and what comes of it."""
