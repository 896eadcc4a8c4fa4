"""What may have leaked from test parts into training parts, as a table."""
