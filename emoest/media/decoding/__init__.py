"""What a decoder gives of a file: its length, its limits and what damage makes of it."""
