"""Parts of nets."""
