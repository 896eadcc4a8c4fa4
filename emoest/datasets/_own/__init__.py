"""A user's own corpus: a table or a folder of recordings."""
