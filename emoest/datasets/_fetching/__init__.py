"""Corpora from the web: where they lie, how they are fetched."""
