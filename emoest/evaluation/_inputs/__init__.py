"""What scores are given, checked before anything is computed."""
